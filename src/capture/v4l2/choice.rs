//! Which of a camera's formats, sizes and frame rates to take.
//!
//! Everything that the device enumerates is scored; the least cost wins, the first listed among
//! equals. A pure function: tables of real devices are its tests.

use super::Wanted;
use crate::frame::SIDE_RANGE;

/// Formats that can be read, and what each costs beside the others: conversion, depth, artefacts.
pub const FORMATS: [([u8; 4], f64); 8] = [
    (*b"GREY", 0.0),
    (*b"NV12", 0.02),
    (*b"YUYV", 0.04),
    (*b"UYVY", 0.04),
    (*b"RGB3", 0.06),
    (*b"BGR3", 0.06),
    (*b"Y16 ", 0.3),
    (*b"MJPG", 0.5),
];
/// A halving of what was wanted, in pixels and in frame rate, and a doubling of it.
const TOO_SMALL: f64 = 4.0;
const TOO_LARGE: f64 = 0.5;
const TOO_SLOW: f64 = 2.0;
const TOO_FAST: f64 = 0.05;
/// A rate that the driver does not tell.
const UNKNOWN_RATE: f64 = 0.1;

/// Sizes that a device lists for a format, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Exact(u32, u32),
    Stepwise { least: (u32, u32), most: (u32, u32), step: (u32, u32) },
}

/// Times from frame to frame that a device lists for a size, in seconds as fractions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    Exact(u32, u32),
    Between { least: (u32, u32), most: (u32, u32) },
}

/// One thing that the device can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    pub format: [u8; 4],
    pub width: u32,
    pub height: u32,
    /// `None` where the driver does not list any.
    pub interval: Option<(u32, u32)>,
}

/// A format's code as people write it: `Y16`; the big-endian variant is marked in its last bit.
pub fn format_name(format: [u8; 4]) -> String {
    let letters = format.map(|byte| match byte & 0x7f {
        letter @ b' '..=b'~' => letter,
        _ => b'?',
    });
    let end = if format[3] > 0x7f { "-BE" } else { "" };
    format!("{}{end}", String::from_utf8_lossy(&letters).trim_end())
}

/// Names of the formats that can be read.
pub fn known() -> String {
    FORMATS.map(|(format, _)| format_name(format)).join(", ")
}

/// The size to try out of a listed one: the smallest that covers what is wanted, else the largest.
pub fn size_for(size: &Size, wanted: &Wanted) -> (u32, u32) {
    let side = |want: u32, least: u32, most: u32, step: u32| {
        if want <= least {
            return least;
        }
        let step = step.max(1);
        let most = least + (most.max(least) - least) / step * step;
        (least + (want - least).div_ceil(step).saturating_mul(step).min(most - least)).min(most)
    };
    match *size {
        Size::Exact(width, height) => (width, height),
        Size::Stepwise { least, most, step } => (
            side(wanted.width, least.0, most.0, step.0),
            side(wanted.height, least.1, most.1, step.1),
        ),
    }
}

/// The interval to ask for out of a listed one.
pub fn interval_for(interval: &Interval, wanted: &Wanted) -> (u32, u32) {
    let seconds = |(n, d): (u32, u32)| f64::from(n) / f64::from(d.max(1));
    match *interval {
        Interval::Exact(n, d) => (n, d),
        Interval::Between { least, most } => {
            let want = (1, wanted.fps);
            if seconds(want) < seconds(least) {
                least
            } else if seconds(want) > seconds(most) {
                most
            } else {
                want
            }
        }
    }
}

/// The best of `offers`, or a problem in words.
pub fn choose(offers: &[Offer], wanted: &Wanted) -> Result<Offer, String> {
    let costs = offers.iter().filter_map(|offer| Some((cost(offer, wanted)?, *offer)));
    let best = costs.min_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, offer)| offer).ok_or_else(|| {
        let mut formats: Vec<_> = offers.iter().map(|o| format_name(o.format)).collect();
        formats.dedup();
        let list = if formats.is_empty() { "nothing".to_owned() } else { formats.join(", ") };
        match wanted.format {
            Some(format) => {
                let format = format_name(format);
                format!("does not offer the format {format} of [capture], but {list}")
            }
            None => format!("offers no format that can be read, but {list}"),
        }
    })
}

/// `None` where the offer cannot be used at all.
fn cost(offer: &Offer, wanted: &Wanted) -> Option<f64> {
    let (_, format) = FORMATS.iter().find(|(format, _)| *format == offer.format)?;
    let sides = [(offer.width, wanted.width), (offer.height, wanted.height)];
    let usable = sides.iter().all(|(got, _)| SIDE_RANGE.contains(got));
    if !usable || wanted.format.is_some_and(|only| only != offer.format) {
        return None;
    }
    let mut cost = *format;
    for (got, want) in sides {
        cost += penalty(f64::from(got) / f64::from(want.max(1)), TOO_SMALL, TOO_LARGE);
    }
    cost += match offer.interval {
        Some((n, d)) if n > 0 && d > 0 => {
            let rate = f64::from(d) / f64::from(n);
            penalty(rate / f64::from(wanted.fps.max(1)), TOO_SLOW, TOO_FAST)
        }
        _ => UNKNOWN_RATE,
    };
    Some(cost)
}

fn penalty(ratio: f64, below: f64, above: f64) -> f64 {
    let octaves = ratio.log2();
    if octaves < 0.0 { -octaves * below } else { octaves * above }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(width: u32, height: u32, fps: u32) -> Wanted {
        Wanted { width, height, fps, ..Wanted::default() }
    }

    fn table(rows: &[(&[u8; 4], u32, u32, &[u32])]) -> Vec<Offer> {
        let mut offers = Vec::new();
        for &(format, width, height, rates) in rows {
            offers.extend(rates.iter().map(|&fps| {
                let interval = Some((1, fps));
                Offer { format: *format, width, height, interval }
            }));
        }
        offers
    }

    /// A USB 2 grabber for HDMI: raw pictures are slow where they are large.
    fn grabber() -> Vec<Offer> {
        table(&[
            (b"MJPG", 1920, 1080, &[30, 25, 20, 10, 5]),
            (b"MJPG", 1280, 720, &[60, 50, 30, 20, 10]),
            (b"MJPG", 720, 576, &[60, 30]),
            (b"MJPG", 640, 480, &[60, 50, 30, 20, 10]),
            (b"YUYV", 1920, 1080, &[5]),
            (b"YUYV", 1280, 720, &[10]),
            (b"YUYV", 720, 576, &[20, 10]),
            (b"YUYV", 640, 480, &[30, 20, 10]),
        ])
    }

    #[test]
    fn the_nearest_size_at_the_wanted_rate_wins_and_raw_beats_jpeg_where_it_is_fast_enough() {
        let best = |width, height, fps| {
            let Offer { format, width, height, interval } =
                choose(&grabber(), &wanted(width, height, fps)).unwrap();
            (format, width, height, interval.unwrap().1)
        };
        assert_eq!(best(640, 480, 30), (*b"YUYV", 640, 480, 30));
        assert_eq!(best(1280, 720, 30), (*b"MJPG", 1280, 720, 30));
        assert_eq!(best(1280, 720, 10), (*b"YUYV", 1280, 720, 10));
        assert_eq!(best(1920, 1080, 60), (*b"MJPG", 1920, 1080, 30));
        assert_eq!(best(800, 600, 30), (*b"MJPG", 1280, 720, 30));
        assert_eq!(best(4000, 3000, 30), (*b"MJPG", 1920, 1080, 30));
    }

    #[test]
    fn a_format_that_is_asked_for_is_kept_and_its_absence_names_the_others() {
        let only = |format: &[u8; 4]| Wanted { format: Some(*format), ..wanted(1280, 720, 30) };
        assert_eq!(choose(&grabber(), &only(b"YUYV")).unwrap().interval, Some((1, 10)));
        let problem = choose(&grabber(), &only(b"NV12")).unwrap_err();
        assert_eq!(problem, "does not offer the format NV12 of [capture], but MJPG, YUYV");
        let odd = table(&[(b"H264", 1920, 1080, &[30])]);
        let problem = choose(&odd, &wanted(640, 480, 30)).unwrap_err();
        assert_eq!(problem, "offers no format that can be read, but H264");
        assert!(choose(&[], &wanted(640, 480, 30)).unwrap_err().contains("nothing"));
        let tiny = table(&[(b"GREY", 16, 16, &[30])]);
        assert!(choose(&tiny, &wanted(640, 480, 30)).is_err(), "smaller than a frame may be");
    }

    #[test]
    fn codes_are_named_as_people_write_them() {
        let names = [*b"YUYV", *b"Y16 ", *b"Y16\xa0", [0; 4]].map(format_name);
        assert_eq!(names, ["YUYV", "Y16", "Y16-BE", "????"]);
    }

    #[test]
    fn offers_without_rates_and_broken_fractions_count_as_unknown() {
        let offer = |interval| Offer { format: *b"YUYV", width: 640, height: 480, interval };
        let slow = offer(Some((1, 5)));
        for unknown in [None, Some((0, 30)), Some((1, 0))] {
            let best = choose(&[slow, offer(unknown)], &wanted(640, 480, 30)).unwrap();
            assert_eq!(best.interval, unknown);
        }
    }

    #[test]
    fn stepwise_sizes_and_intervals_come_as_near_as_the_steps_allow() {
        let size = |least, most, step, width, height| {
            size_for(&Size::Stepwise { least, most, step }, &wanted(width, height, 30))
        };
        assert_eq!(size((16, 16), (1920, 1080), (2, 2), 640, 480), (640, 480));
        assert_eq!(size((16, 16), (1920, 1080), (16, 16), 650, 490), (656, 496));
        assert_eq!(size((64, 64), (1000, 1000), (100, 100), 2000, 990), (964, 964));
        assert_eq!(size((800, 600), (1920, 1080), (1, 1), 640, 480), (800, 600));
        assert_eq!(size((32, 32), (32, 32), (0, 0), 640, 480), (32, 32));
        assert_eq!(size((64, 64), (10, 10), (7, 7), 640, 480), (64, 64), "a driver's nonsense");
        assert_eq!(size((1, 1), (u32::MAX, u32::MAX), (1, 1), 640, 480), (640, 480));
        let range = Interval::Between { least: (1, 60), most: (1, 5) };
        let interval = |fps| interval_for(&range, &wanted(640, 480, fps));
        assert_eq!([interval(30), interval(90), interval(2)], [(1, 30), (1, 60), (1, 5)]);
    }
}

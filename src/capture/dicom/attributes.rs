//! What a DICOM header says of its pictures: size, samples, colour and time (PS3.3 C.7.6).

use std::time::Duration;

use dicom_object::{InMemDicomObject, Tag};

use super::grey::Palette;
use super::regions::{self, Region};
use crate::frame::SIDE_RANGE;

const FRAME_RATE_WANTED: Tag = Tag(0x0008, 0x2144);
const CINE_RATE: Tag = Tag(0x0018, 0x0040);
const FRAME_TIME: Tag = Tag(0x0018, 0x1063);
const FRAME_TIME_VECTOR: Tag = Tag(0x0018, 0x1065);
const SAMPLES: Tag = Tag(0x0028, 0x0002);
const PHOTOMETRIC: Tag = Tag(0x0028, 0x0004);
const PLANAR: Tag = Tag(0x0028, 0x0006);
const FRAMES: Tag = Tag(0x0028, 0x0008);
const ROWS: Tag = Tag(0x0028, 0x0010);
const COLUMNS: Tag = Tag(0x0028, 0x0011);
const BITS_ALLOCATED: Tag = Tag(0x0028, 0x0100);
const BITS_STORED: Tag = Tag(0x0028, 0x0101);
const HIGH_BIT: Tag = Tag(0x0028, 0x0102);
const SIGNED: Tag = Tag(0x0028, 0x0103);
const WINDOW_CENTER: Tag = Tag(0x0028, 0x1050);
const WINDOW_WIDTH: Tag = Tag(0x0028, 0x1051);
const INTERCEPT: Tag = Tag(0x0028, 0x1052);
const SLOPE: Tag = Tag(0x0028, 0x1053);

/// Where the file does not say.
const INTERVAL: Duration = Duration::from_millis(40);
/// From one frame to the next, in milliseconds; anything else is taken for a mistake.
const INTERVALS_MS: std::ops::RangeInclusive<f64> = 1.0..=10_000.0;

/// What the samples of a pixel mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Photometric {
    /// One sample; large is black.
    Monochrome1,
    /// One sample; large is white.
    Monochrome2,
    /// One sample, an index.
    Palette,
    Rgb,
    /// Luma first, 0 to 255.
    YbrFull,
    /// The same, with two pixels sharing a pair of chroma samples.
    YbrFull422,
    /// Luma first, 16 to 235, chroma shared.
    YbrPartial,
    /// JPEG 2000's own transforms, which its decoder undoes.
    YbrJpeg2000,
}

impl Photometric {
    fn parse(text: &str) -> Option<Photometric> {
        Some(match text {
            "MONOCHROME1" => Photometric::Monochrome1,
            "MONOCHROME2" => Photometric::Monochrome2,
            "PALETTE COLOR" => Photometric::Palette,
            "RGB" => Photometric::Rgb,
            "YBR_FULL" => Photometric::YbrFull,
            "YBR_FULL_422" => Photometric::YbrFull422,
            "YBR_PARTIAL_422" | "YBR_PARTIAL_420" => Photometric::YbrPartial,
            "YBR_ICT" | "YBR_RCT" => Photometric::YbrJpeg2000,
            _ => return None,
        })
    }

    /// Samples of each pixel before chroma is shared.
    pub fn samples(self) -> usize {
        match self {
            Photometric::Monochrome1 | Photometric::Monochrome2 | Photometric::Palette => 1,
            _ => 3,
        }
    }
}

/// The pictures of one file.
#[derive(Debug, Clone)]
pub struct Attributes {
    pub width: u32,
    pub height: u32,
    pub frames: usize,
    pub photometric: Photometric,
    pub planar: bool,
    /// 1 or 2.
    pub bytes: usize,
    /// Bits that count, and how many lie below them.
    pub bits: u32,
    pub shift: u32,
    pub signed: bool,
    pub slope: f64,
    pub intercept: f64,
    /// Centre and width.
    pub window: Option<(f64, f64)>,
    pub palette: Option<Palette>,
    pub times: Times,
    /// Tissue in two dimensions; empty where the file does not say.
    pub regions: Vec<Region>,
}

impl Attributes {
    /// Reads and checks them; the error says what is missing or wrong.
    pub fn read(object: &InMemDicomObject) -> Result<Attributes, String> {
        let required = |tag, name: &str| {
            integer(object, tag).ok_or_else(|| format!("its header has no {name}"))
        };
        let side = |tag, name| {
            let value = required(tag, name)?;
            let side = u32::try_from(value).ok().filter(|side| SIDE_RANGE.contains(side));
            side.ok_or_else(|| format!("its {name} are {value}; allowed are 32 to 4096"))
        };
        let (width, height) = (side(COLUMNS, "Columns")?, side(ROWS, "Rows")?);
        let word = text(object, PHOTOMETRIC);
        let word = word.as_deref().unwrap_or("MONOCHROME2");
        let photometric = Photometric::parse(word)
            .ok_or_else(|| format!("its Photometric Interpretation is {word}"))?;
        let samples = integer(object, SAMPLES).unwrap_or(1);
        if usize::try_from(samples) != Ok(photometric.samples()) {
            return Err(format!("it has {samples} samples a pixel, and is {word}"));
        }
        let allocated = required(BITS_ALLOCATED, "Bits Allocated")?;
        let bytes = match allocated {
            8 => 1,
            16 => 2,
            _ => return Err(format!("it has {allocated} bits a sample; allowed are 8 and 16")),
        };
        let bits = integer(object, BITS_STORED).unwrap_or(allocated);
        let high = integer(object, HIGH_BIT).unwrap_or(bits.saturating_sub(1));
        if !(1..=allocated).contains(&bits) || !(bits - 1..allocated).contains(&high) {
            return Err(format!("its samples have {bits} of {allocated} bits up to bit {high}"));
        }
        let frames = integer(object, FRAMES).unwrap_or(1).max(1);
        let palette = (photometric == Photometric::Palette).then(|| Palette::read(object));
        Ok(Attributes {
            width,
            height,
            frames: usize::try_from(frames).map_err(|_| format!("it has {frames} frames"))?,
            photometric,
            planar: integer(object, PLANAR) == Some(1),
            bytes,
            bits: bits as u32,
            shift: (high + 1 - bits) as u32,
            signed: integer(object, SIGNED) == Some(1),
            slope: number(object, SLOPE).filter(|&slope| slope != 0.0).unwrap_or(1.0),
            intercept: number(object, INTERCEPT).unwrap_or(0.0),
            window: number(object, WINDOW_CENTER).zip(number(object, WINDOW_WIDTH)),
            palette: palette.transpose()?,
            times: Times::read(object),
            regions: regions::read(object, width, height),
        })
    }

    /// Pixels of a picture.
    pub fn pixels(&self) -> usize {
        self.width as usize * self.height as usize
    }
}

/// When frames were taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Times {
    /// From each frame to the next where they differ; the rest follow at the interval.
    steps: Vec<Duration>,
    interval: Duration,
}

impl Times {
    fn read(object: &InMemDicomObject) -> Times {
        let span =
            |ms: &f64| INTERVALS_MS.contains(ms).then(|| Duration::from_secs_f64(*ms / 1000.0));
        let rate = |tag| number(object, tag).and_then(|hertz| span(&(1000.0 / hertz)));
        // The first value of the vector stands before the first frame.
        let vector = numbers(object, FRAME_TIME_VECTOR);
        let steps = vector.iter().skip(1).map(span).collect::<Option<Vec<_>>>().unwrap_or_default();
        let frame_time = number(object, FRAME_TIME).as_ref().and_then(span);
        let interval = frame_time
            .or_else(|| rate(CINE_RATE))
            .or_else(|| rate(FRAME_RATE_WANTED))
            .or_else(|| steps.last().copied())
            .unwrap_or(INTERVAL);
        Times { steps, interval }
    }

    /// From frame `index` to the one after it.
    pub fn after(&self, index: usize) -> Duration {
        self.steps.get(index).copied().unwrap_or(self.interval)
    }
}

pub(super) fn integer(object: &InMemDicomObject, tag: Tag) -> Option<i64> {
    object.get(tag)?.to_int().ok()
}

pub(super) fn integers(object: &InMemDicomObject, tag: Tag) -> Vec<i64> {
    object.get(tag).and_then(|element| element.to_multi_int().ok()).unwrap_or_default()
}

fn numbers(object: &InMemDicomObject, tag: Tag) -> Vec<f64> {
    object.get(tag).and_then(|element| element.to_multi_float64().ok()).unwrap_or_default()
}

/// The first of one or more finite numbers.
fn number(object: &InMemDicomObject, tag: Tag) -> Option<f64> {
    numbers(object, tag).first().copied().filter(|value| value.is_finite())
}

fn text(object: &InMemDicomObject, tag: Tag) -> Option<String> {
    let text = object.get(tag)?.to_str().ok()?;
    Some(text.trim_end_matches([' ', '\0']).to_owned())
}

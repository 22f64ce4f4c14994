use super::super::{mask, rows_inside};
use super::*;

fn frame(width: u32, height: u32, lit: impl Fn(u32, u32) -> u8) -> Frame {
    let luma = (0..width * height).map(|i| lit(i % width, i / width)).collect();
    Frame { width, height, luma, ..Frame::default() }
}

fn fan(x: u32, y: u32) -> u8 {
    let (x, y) = (x as f32 - 160.0, y as f32 + 40.0);
    let r = x.hypot(y);
    u8::from((60.0..270.0).contains(&r) && (x / y).abs() < 0.6) * 80
}

fn observe(finder: &mut SectorFinder, picture: &Frame) -> Measures {
    let rows: Vec<_> = picture.luma.chunks_exact(picture.width as usize).collect();
    finder.observe(picture, |y, sums| {
        sums.iter_mut().zip(rows[y]).for_each(|(sum, &p)| *sum += u16::from(p));
    })
}

#[test]
fn a_fan_is_enclosed_and_detached_text_is_blacked_out() {
    let text = |x, y| if x > 270 && y < 20 { 200 } else { fan(x, y) };
    let mut picture = frame(320, 240, text);
    let mut finder = SectorFinder::new();
    observe(&mut finder, &picture);
    let sector = finder.sector().expect("a sector").clone();
    mask(&mut picture, |y| sector.span(y));
    for (i, (&p, want)) in picture.luma.iter().zip(&frame(320, 240, fan).luma).enumerate() {
        assert_eq!(p, *want, "pixel {}, {}", i % 320, i / 320);
    }
    let share = sector.area() as f32 / (320.0 * 240.0);
    assert!((0.4..0.7).contains(&share), "{share}");
}

#[test]
fn the_sector_follows_a_change_after_the_memory_has_passed() {
    let mut finder = SectorFinder::new();
    let mut bounds = |second: u64, width: u32| {
        let mut f = frame(200, 200, |x, y| u8::from(x < width && y > 20) * 90);
        f.timestamp = Duration::from_secs(second);
        observe(&mut finder, &f);
        finder.sector().map(Sector::bounds)
    };
    assert_eq!(bounds(0, 150).unwrap().right, 152);
    assert_eq!(bounds(1, 80).unwrap().right, 152, "not forgotten yet");
    assert_eq!(bounds(4, 80).unwrap().right, 82);
    assert_eq!(bounds(8, 0), None);
}

#[test]
fn noise_has_no_structure_and_a_fan_has() {
    let mut random = oorandom::Rand32::new(4);
    let noise: Vec<u8> = (0..320 * 240).map(|_| random.rand_u32() as u8).collect();
    for (picture, low, high) in [
        (frame(320, 240, |x, y| noise[(y * 320 + x) as usize]), 0.0, 0.1),
        (frame(320, 240, |x, y| fan(x, y).saturating_sub((y / 3) as u8)), 0.5, 1.0),
    ] {
        let mut finder = SectorFinder::new();
        observe(&mut finder, &picture);
        let sector = finder.sector().expect("a sector");
        let histogram = histogram(rows_inside(&picture, |y| sector.span(y)));
        let structure = finder.structure(&histogram, Region::Sector);
        assert!((low..=high).contains(&structure), "{structure}");
    }
}

#[test]
fn every_size_is_survived() {
    for (w, h) in [(32, 32), (33, 4096), (4096, 32), (161, 159), (1920, 1080)] {
        let mut finder = SectorFinder::new();
        for level in [0, 255] {
            let mut picture = frame(w, h, |_, _| level);
            let measures = observe(&mut finder, &picture);
            assert_eq!(measures.sector_share, f32::from(level) / 255.0);
            if let Some(sector) = finder.sector().cloned() {
                mask(&mut picture, |y| sector.span(y));
                assert_eq!(sector.bounds(), Bounds::whole(&picture));
            }
        }
    }
}

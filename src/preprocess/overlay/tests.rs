use super::super::gain::histogram;
use super::*;

const SIZE: (u32, u32) = (320, 240);

/// Speckle-like grey, smooth across, new for every seed.
fn echo(seed: u64) -> Frame {
    let mut random = oorandom::Rand32::new(seed);
    let noise: Vec<u32> = (0..(SIZE.0 + 8) * SIZE.1).map(|_| random.rand_range(20..140)).collect();
    let smooth = |i: u32| {
        let at = (i / SIZE.0 * (SIZE.0 + 8) + i % SIZE.0) as usize;
        (noise[at..at + 8].iter().sum::<u32>() / 8) as u8
    };
    let luma = (0..SIZE.0 * SIZE.1).map(smooth).collect();
    Frame { width: SIZE.0, height: SIZE.1, luma, ..Frame::default() }
}

/// An H of two-pixel strokes with its corner at (100, 50).
fn letter(x: u32, y: u32) -> bool {
    let (x, y) = (x.wrapping_sub(100), y.wrapping_sub(50));
    x < 10 && y < 14 && (!(2..8).contains(&x) || (6..8).contains(&y))
}

fn draw(frame: &mut Frame, level: u8, shape: impl Fn(u32, u32) -> bool) {
    for (i, p) in (0..).zip(&mut frame.luma) {
        if shape(i % SIZE.0, i / SIZE.0) {
            *p = level;
        }
    }
}

/// Fills the whole picture; returns how many pixels were marks.
fn fill(finder: &mut OverlayFinder, frame: &mut Frame) -> u32 {
    let mut levels = histogram([&frame.luma[..]]);
    let width = frame.width as usize;
    let filled = finder.fill(frame, |_| (0, width), &mut levels);
    assert_eq!(levels, histogram([&frame.luma[..]]));
    filled
}

fn marks(finder: &OverlayFinder) -> usize {
    finder.flags.iter().filter(|&f| f & MARK != 0).count()
}

#[test]
fn a_bright_letter_is_filled_at_once_and_speckle_is_left() {
    let mut frame = echo(1);
    draw(&mut frame, 240, letter);
    let (drawn, mut finder) = (frame.clone(), OverlayFinder::new());
    finder.observe(&frame);
    let filled = fill(&mut finder, &mut frame);
    assert!((60..200).contains(&filled), "{filled}");
    for (i, (&now, &then)) in (0..).zip(frame.luma.iter().zip(&drawn.luma)) {
        let (x, y) = (i % SIZE.0, i / SIZE.0);
        assert!(!letter(x, y) || now < 200, "{x}, {y} is left");
        let near = (96..114).contains(&x) && (46..68).contains(&y);
        assert!(near || now == then, "{x}, {y} was echo");
    }
}

/// A pleural line looks like this in one frame, but moves.
#[test]
fn a_level_line_is_a_mark_once_it_alone_stands_still() {
    let line = |x: u32, y: u32| (100..140).contains(&x) && (50..52).contains(&y);
    let mut finder = OverlayFinder::new();
    for seed in 0..=u64::from(HELD) {
        let mut frame = echo(seed);
        draw(&mut frame, 240, line);
        finder.observe(&frame);
        let found = (0..)
            .zip(&finder.flags)
            .filter(|&(i, f)| line(i % SIZE.0, i / SIZE.0) && f & MARK != 0)
            .count();
        let wanted = if seed < u64::from(HELD) { 0..9 } else { 72..81 };
        assert!(wanted.contains(&found), "{found} of 80 in frame {seed}");
    }
    // A frozen picture proves nothing: nothing is taken for drawn because it stands.
    let (mut frozen, mut frame) = (OverlayFinder::new(), echo(3));
    draw(&mut frame, 240, line);
    (0..3 * HELD).for_each(|_| frozen.observe(&frame));
    assert!(marks(&frozen) < 20, "{}", marks(&frozen));
}

#[test]
fn a_bar_is_no_echo() {
    let mut frame = echo(1);
    draw(&mut frame, 90, |x, _| x >= 300);
    let mut finder = OverlayFinder::new();
    finder.observe(&frame);
    let mut left = 0;
    for y in 0..SIZE.1 as usize {
        let mut row = [0; SIZE.0 as usize];
        finder.add_echo(&frame, y, &mut row);
        assert!(row[301..].iter().all(|&p| p == 0));
        left += row[..290].iter().filter(|&&p| p > 0).count();
    }
    assert!(left > 290 * SIZE.1 as usize - 700, "{left}");
}

#[test]
fn every_size_is_survived() {
    for (width, height) in [(1, 1), (3, 40), (32, 32), (33, 4096), (4096, 32)] {
        let mut finder = OverlayFinder::new();
        for level in [0, 255, 128] {
            let luma = (0..width * height).map(|i| if i % 3 == 0 { level } else { 0 }).collect();
            let mut frame = Frame { width, height, luma, ..Frame::default() };
            finder.observe(&frame);
            fill(&mut finder, &mut frame);
        }
    }
}

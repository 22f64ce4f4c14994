//! One picture a clip of what its verdict rests on: the frame that speaks most clearly for it,
//! beside the same with heat map and outline.

use image::RgbImage;

use crate::frame::Frame;
use crate::panel::picture::caption;
use crate::pipeline::Stages;
use crate::pipeline::clip::ClipResult;
use crate::screening::Verdict;
use crate::snapshot::{HeatMap, Outline, paint};

/// A smaller picture is enlarged, so that words fit below it.
const LEAST_WIDTH: usize = 280;
/// Columns between the two.
const GAP: usize = 4;

/// A frame, cut to what the network saw of it.
#[derive(Default)]
struct Kept {
    /// Whether it counts as evidence, and how clearly it speaks: more is better.
    rank: Option<(bool, f32)>,
    time: f64,
    width: usize,
    luma: Vec<u8>,
    heat: HeatMap,
    outline: Outline,
}

/// The clearest frames of a clip, for and against referring.
#[derive(Default)]
pub struct Clearest {
    refer: Kept,
    clear: Kept,
}

impl Clearest {
    /// After `stages` have taken in `frame`.
    pub fn observe(&mut self, frame: &Frame, stages: &Stages) {
        let odds = stages.screening().log_odds(stages.scores());
        let sound = stages.screening().flaw().is_none();
        for (kept, odds) in [(&mut self.refer, odds), (&mut self.clear, -odds)] {
            let better = |&best: &(bool, f32)| (sound, odds) > best;
            if kept.rank.as_ref().is_none_or(better) {
                kept.rank = Some((sound, odds));
                kept.take(frame, stages);
            }
        }
    }

    /// None for a clip without frames. What is neither refer nor clear shows what speaks for refer.
    pub fn draw(&self, result: &ClipResult, words: &str) -> Option<RgbImage> {
        let kept = if result.verdict == Verdict::Clear { &self.clear } else { &self.refer };
        let verdict = result.verdict.word();
        let said =
            format!("{verdict} {:.3}, frame at {:.2} s", result.evidence.probability, kept.time);
        kept.draw(&format!("{said}, {words}"))
    }
}

impl Kept {
    fn take(&mut self, frame: &Frame, stages: &Stages) {
        let seen = stages.seen();
        self.time = frame.timestamp.as_secs_f64();
        self.width = seen.width() as usize;
        self.luma.clear();
        for row in frame
            .luma
            .chunks_exact(frame.width as usize)
            .take(seen.bottom as usize)
            .skip(seen.top as usize)
        {
            self.luma.extend_from_slice(&row[seen.left as usize..seen.right as usize]);
        }
        stages.overlay(seen, &mut self.heat, &mut self.outline);
    }

    fn draw(&self, words: &str) -> Option<RgbImage> {
        self.rank?;
        let factor = LEAST_WIDTH.div_ceil(self.width.max(1)).max(1);
        let (width, luma) = (self.width * factor, enlarged(&self.luma, self.width, factor));
        let line = width.div_ceil(200);
        let plain = paint(&luma, width, &HeatMap::default(), &Outline::default(), line);
        let laid_over = paint(&luma, width, &self.heat, &self.outline, line);
        let whole = 2 * width + GAP;
        let mut rgb = Vec::new();
        for (left, right) in plain.chunks_exact(3 * width).zip(laid_over.chunks_exact(3 * width)) {
            rgb.extend_from_slice(left);
            rgb.resize(rgb.len() + 3 * GAP, 0);
            rgb.extend_from_slice(right);
        }
        let below = caption(words, whole as u32);
        rgb.extend(below.rgb);
        RgbImage::from_raw(whole as u32, (luma.len() / width) as u32 + below.height, rgb)
    }
}

/// Every pixel as a square of `factor` pixels.
fn enlarged(luma: &[u8], width: usize, factor: usize) -> Vec<u8> {
    let row = |row: &[u8]| row.iter().flat_map(|&p| std::iter::repeat_n(p, factor)).collect();
    let rows = luma.chunks_exact(width.max(1)).map(row);
    rows.flat_map(|row: Vec<u8>| std::iter::repeat_n(row, factor)).flatten().collect()
}

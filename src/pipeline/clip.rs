//! A clip from its first frame to its last, as fast as possible: every frame is used.

use std::time::{Duration, Instant};

use super::stages::{Stages, Timings};
use crate::capture::FrameSource;
use crate::error::Error;
use crate::frame::Frame;
use crate::screening::{Evidence, Verdict};

/// The outcome of one clip.
#[derive(Debug, Clone)]
pub struct ClipResult {
    pub verdict: Verdict,
    pub evidence: Evidence,
    /// Span from the first to the last frame's timestamp.
    pub duration: Duration,
    /// Width and height of the last picture.
    pub size: (u32, u32),
    /// Wall time for the whole clip, decoding included.
    pub elapsed: Duration,
    /// Sums over all frames.
    pub timings: Timings,
}

/// Screens `source` until it ends or `limit` of its time has passed.
pub fn screen(
    source: &mut dyn FrameSource,
    stages: &mut Stages,
    limit: Duration,
) -> Result<ClipResult, Error> {
    watch(source, stages, limit, |_, _| {})
}

/// The same; `each` sees every frame, masked, once it has been taken in.
pub fn watch(
    source: &mut dyn FrameSource,
    stages: &mut Stages,
    limit: Duration,
    mut each: impl FnMut(&Frame, &Stages),
) -> Result<ClipResult, Error> {
    let start = Instant::now();
    let mut frame = Frame::default();
    let (mut timings, mut duration) = (Timings::default(), Duration::ZERO);
    stages.reset();
    while source.next(&mut frame)? && frame.timestamp <= limit {
        duration = frame.timestamp;
        timings += stages.process(&mut frame)?;
        each(&frame, stages);
    }
    let (verdict, evidence) = stages.screening().conclude();
    let size = (frame.width, frame.height);
    Ok(ClipResult { verdict, evidence, duration, size, elapsed: start.elapsed(), timings })
}

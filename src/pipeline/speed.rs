//! Frame rate and latency over the latest frames, in fixed buffers.

use std::time::{Duration, Instant};

use crate::snapshot::Speed;

const FRAMES: usize = 128;
/// Frames older than this do not count for the rate.
const SPAN: Duration = Duration::from_secs(3);

/// Remembers when the latest frames were done and how long they took.
pub struct Meter {
    done: [Option<Instant>; FRAMES],
    latency_us: [u32; FRAMES],
    next: usize,
    len: usize,
}

impl Meter {
    pub fn new() -> Meter {
        Meter { done: [None; FRAMES], latency_us: [0; FRAMES], next: 0, len: 0 }
    }

    pub fn record(&mut self, now: Instant, latency: Duration) {
        self.done[self.next] = Some(now);
        self.latency_us[self.next] = latency.as_micros().min(u128::from(u32::MAX)) as u32;
        self.next = (self.next + 1) % FRAMES;
        self.len = (self.len + 1).min(FRAMES);
    }

    pub fn speed(&self, now: Instant) -> Speed {
        let recent = || self.done.iter().flatten().filter(|&&t| now.duration_since(t) < SPAN);
        let (count, oldest) = (recent().count(), recent().min());
        let newest = recent().max().copied().unwrap_or(now);
        let span = oldest.map_or(0.0, |&t| newest.duration_since(t).as_secs_f32()).max(1e-3);
        // The first frame opens the first interval.
        let frames_per_second = if count > 1 { (count - 1) as f32 / span } else { 0.0 };
        let mut sorted = self.latency_us;
        sorted[..self.len].sort_unstable();
        let at = |share: f32| {
            let last = self.len.saturating_sub(1);
            sorted[(share * last as f32).round() as usize] as f32 / 1000.0
        };
        Speed { frames_per_second, latency_p50_ms: at(0.5), latency_p99_ms: at(0.99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_percentiles() {
        let (mut meter, start) = (Meter::new(), Instant::now());
        assert_eq!(meter.speed(start), Speed::default());
        for i in 0..50 {
            meter.record(start + Duration::from_millis(40 * i), Duration::from_millis(i + 1));
        }
        let speed = meter.speed(start + Duration::from_millis(2000));
        assert!((speed.frames_per_second - 25.0).abs() < 0.1, "{speed:?}");
        assert!((24.0..=27.0).contains(&speed.latency_p50_ms), "{speed:?}");
        assert!(speed.latency_p99_ms >= 49.0);
        let later = meter.speed(start + Duration::from_secs(60));
        assert_eq!(later.frames_per_second, 0.0);
    }
}

use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A line of so many bytes a second, one way of 20 ms, with all the buffers it wants.
struct Line {
    rate: f64,
    empty: Instant,
}

impl Line {
    /// When the answer to what follows these bytes is back.
    fn answer(&mut self, bytes: usize, began: Instant) -> Instant {
        self.empty = self.empty.max(began) + Duration::from_secs_f64(bytes as f64 / self.rate);
        self.empty + ms(40)
    }
}

/// Sends as much as may be for so long, and gives the longest that news would have waited.
fn run(link: &mut Link, line: &mut Line, start: Instant, time: Duration) -> Duration {
    let (mut worst, mut answer) = (Duration::ZERO, None);
    for step in 0..time.as_millis() as u64 {
        let now = start + ms(step);
        if answer.is_some_and(|answer| now >= answer) {
            link.answered(now);
            answer = None;
        }
        if link.free(now) {
            let bytes = if link.probes(now) { 0 } else { link.budget().most };
            let asked = link.curious();
            let back = line.answer(bytes, now);
            link.sent(bytes, now, asked);
            answer = answer.or(asked.then_some(back));
        }
        worst = worst.max(line.empty.saturating_duration_since(now));
    }
    worst
}

fn probed(line: &mut Line, start: Instant) -> Link {
    let mut link = Link::new(start);
    link.sent(0, start, true);
    link.answered(line.answer(0, start));
    link
}

#[test]
fn the_rate_is_found_and_news_never_waits_for_long() {
    for rate in [11_520.0, 125e3, 1.25e6, 1e8] {
        let start = Instant::now();
        let mut line = Line { rate, empty: start };
        let mut link = probed(&mut line, start);
        run(&mut link, &mut line, start + ms(40), ms(5000));
        let found = link.budget().most as f64 / 0.1;
        assert!((0.8..1.2).contains(&(found / rate)) || found > 2e7, "{found} of {rate}");
        let worst = run(&mut link, &mut line, start + ms(7000), ms(5000));
        assert!(worst < ms(130), "{worst:?} at {rate}");
    }
}

#[test]
fn a_line_that_gets_slower_is_noticed() {
    let start = Instant::now();
    let mut line = Line { rate: 1.25e6, empty: start };
    let mut link = probed(&mut line, start);
    run(&mut link, &mut line, start + ms(40), ms(3000));
    line.rate = 125e3;
    run(&mut link, &mut line, start + ms(4000), ms(5000));
    let worst = run(&mut link, &mut line, start + ms(10_000), ms(3000));
    assert!(worst < ms(130), "{worst:?}");
}

#[test]
fn nothing_is_sent_to_a_terminal_that_has_stopped() {
    let start = Instant::now();
    let mut link = probed(&mut Line { rate: 1e6, empty: start }, start);
    link.sent(10_000, start + ms(100), true);
    assert!(link.free(start + ms(250)), "the answer may be on its way");
    assert!(!link.free(start + ms(450)));
    link.unanswered();
    assert!(!link.free(start + ms(9000)));
    assert!(link.probes(start + ms(9000)));
    link.sent(0, start + ms(9000), true);
    link.answered(start + ms(9040));
    assert!(link.free(start + ms(9040)));
}

#[test]
fn a_terminal_that_never_answers_gets_a_modest_rate() {
    let start = Instant::now();
    let mut link = Link::new(start);
    link.sent(8000, start, true);
    link.unanswered();
    assert!(!link.curious() && !link.probes(start + ms(9000)));
    assert!(link.free(start + ms(100)));
    assert_eq!(link.budget().most, 12_500);
    link.sent(12_500, start + ms(100), false);
    assert!(!link.free(start + ms(190)));
    assert!(link.free(start + ms(201)));
}

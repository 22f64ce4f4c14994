//! Short patterns on a change of what the lamps say: clear one beep, ungradable two, refer three,
//! a fault one long.

use std::time::Duration;

use crate::snapshot::{Light, Lights};

/// Longer than two looks at the lamps are apart, so that no beep is lost.
const BEEP: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_millis(900);

/// Beeps, and how long each sounds.
fn pattern(lights: Lights) -> (u32, Duration) {
    match lights {
        Lights { attention: Light::Blinking, .. } => (1, LONG),
        Lights { refer: Light::On, .. } => (3, BEEP),
        Lights { attention: Light::On, .. } => (2, BEEP),
        Lights { clear: Light::On, .. } => (1, BEEP),
        _ => (0, BEEP),
    }
}

/// Remembers what it has announced.
#[derive(Default)]
pub struct Buzzer {
    announced: Lights,
    start: Duration,
}

impl Buzzer {
    /// Whether it sounds at `now`.
    pub fn sounds(&mut self, lights: Lights, now: Duration) -> bool {
        if lights != self.announced {
            (self.announced, self.start) = (lights, now);
        }
        let (beeps, length) = pattern(self.announced);
        let into = now.saturating_sub(self.start).as_millis();
        let period = (length + BEEP).as_millis();
        into < period * u128::from(beeps) && into % period < length.as_millis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beeps(buzzer: &mut Buzzer, lights: Lights, from: u64) -> usize {
        let at = |ms| Duration::from_millis(from + ms);
        let sound: Vec<bool> =
            (0..3000).step_by(10).map(|ms| buzzer.sounds(lights, at(ms))).collect();
        usize::from(sound[0]) + sound.windows(2).filter(|pair| !pair[0] && pair[1]).count()
    }

    #[test]
    fn each_change_is_announced_once_by_its_own_number_of_beeps() {
        let mut buzzer = Buzzer::default();
        let off = Lights::default();
        let refer = Lights { refer: Light::On, ..off };
        let clear = Lights { clear: Light::On, ..off };
        let ungradable = Lights { attention: Light::On, ..off };
        let cases = [
            (off, 0),
            (refer, 3),
            (refer, 0),
            (clear, 1),
            (ungradable, 2),
            (Lights::FAULT, 1),
            (off, 0),
        ];
        for (i, (lights, number)) in cases.into_iter().enumerate() {
            assert_eq!(beeps(&mut buzzer, lights, i as u64 * 3000), number, "{lights:?}");
        }
    }
}

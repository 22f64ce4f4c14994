//! Misfortunes on purpose, so that what holds them can be seen to hold: an inference that never
//! returns, a panic, memory that runs out. Each happens inside the network's turn.

use std::str::FromStr;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};
use crate::inference::{Answer, Classifier};

/// Memory that is taken at once, and how long until the next.
const BITE: usize = 16 << 20;
const BETWEEN_BITES: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Misfortune {
    StuckInference,
    Panic,
    Memory,
}

/// What shall go wrong, and when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rehearsal {
    misfortune: Misfortune,
    after: Duration,
}

impl FromStr for Rehearsal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Rehearsal, Error> {
        let parsed = text.split_once(':').and_then(|(name, seconds)| {
            let misfortune = match name {
                "stuck-inference" => Misfortune::StuckInference,
                "panic" => Misfortune::Panic,
                "memory" => Misfortune::Memory,
                _ => return None,
            };
            let after = Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?;
            Some(Rehearsal { misfortune, after })
        });
        parsed.ok_or_else(|| {
            let allowed = "allowed: stuck-inference:SECONDS, panic:SECONDS or memory:SECONDS";
            Error::new(ErrorKind::Usage, "--rehearse", format!("is \"{text}\""), allowed)
        })
    }
}

impl Rehearsal {
    /// A classifier that works until then; the time begins now.
    pub fn around(self, classifier: Box<dyn Classifier>) -> Box<dyn Classifier> {
        let due = Instant::now() + self.after;
        Box::new(Rehearsed { classifier, misfortune: self.misfortune, due })
    }
}

struct Rehearsed {
    classifier: Box<dyn Classifier>,
    misfortune: Misfortune,
    due: Instant,
}

impl Classifier for Rehearsed {
    fn classify(&mut self, tensor: &[u8], answer: &mut Answer) -> Result<(), Error> {
        if Instant::now() < self.due {
            return self.classifier.classify(tensor, answer);
        }
        match self.misfortune {
            Misfortune::StuckInference => loop {
                std::thread::park();
            },
            #[allow(clippy::panic, reason = "this is what is rehearsed")]
            Misfortune::Panic => panic!("a rehearsed panic of the inference"),
            Misfortune::Memory => {
                let mut taken: Vec<Vec<u8>> = Vec::new();
                loop {
                    // Written to, or Linux would give nothing away.
                    taken.push(vec![1; BITE]);
                    std::thread::sleep(BETWEEN_BITES);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_is_a_name_and_seconds() {
        let stuck: Rehearsal = "stuck-inference:2.5".parse().unwrap();
        assert_eq!(stuck.misfortune, Misfortune::StuckInference);
        assert_eq!(stuck.after, Duration::from_millis(2500));
        for bad in ["", "stuck-inference", "panic:-1", "fire:1", "memory:soon"] {
            let error = bad.parse::<Rehearsal>().unwrap_err();
            assert!(error.remedy.contains("stuck-inference:SECONDS"), "{bad}: {error}");
        }
    }
}

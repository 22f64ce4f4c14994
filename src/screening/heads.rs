//! Probabilities of what a network says beside its verdict.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{MOST_SCORES, logistic, softmax};

/// Neighbouring scores that answer one question.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Its place in a row of scores.
    pub first: usize,
    pub len: usize,
    /// One of its labels holds, instead of each by itself.
    pub exclusive: bool,
    /// Scores are divided by it first.
    pub temperature: f32,
}

impl Head {
    /// Whether its scores lie in a row of `count`.
    pub fn is_within(&self, count: usize) -> bool {
        self.first.checked_add(self.len).is_some_and(|end| end <= count)
    }

    /// The probability of each of its labels, from a row of scores; zeros beyond them.
    pub fn probabilities(&self, scores: &[f32; MOST_SCORES]) -> [f32; MOST_SCORES] {
        let mut found = [0.0; MOST_SCORES];
        let own = scores.get(self.columns()).unwrap_or_default();
        for (probability, score) in found.iter_mut().zip(own) {
            *probability = score / self.temperature;
        }
        let labels = &mut found[..own.len()];
        if self.exclusive {
            softmax(labels);
        } else {
            labels.iter_mut().for_each(|p| *p = logistic(*p));
        }
        found
    }

    fn columns(&self) -> Range<usize> {
        self.first..self.first + self.len
    }
}

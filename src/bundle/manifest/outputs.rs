//! What a network gives beside the verdict's scores: further scores in heads, a score of
//! familiarity, a map and a mask; and the figures that its makers state.
//!
//! The scores are one row: the verdict's own, those of each head in turn, then familiarity.

use std::collections::HashSet;

use serde::Deserialize;

use super::{Activation, Manifest, require};
use crate::screening::{self, MOST_SCORES};

/// Scores beside the verdict's that answer one question.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub name: String,
    /// `softmax`: one of the labels holds. `sigmoid`: each by itself.
    pub activation: Activation,
    /// Scores are divided by it before the activation.
    pub temperature: f32,
    /// In the order of the scores.
    #[serde(rename = "label")]
    pub labels: Vec<Label>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    pub name: String,
    /// Other words for it in label files.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// How much a frame looks like those that the network was trained on: the last score.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Familiarity {
    /// A frame below is no evidence.
    pub least: f32,
}

/// Where in its input the network sees support for its verdict; shown, not used.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivationMap {
    /// The network's output of `1 × 1 × height × width` log-odds of referring.
    pub output: String,
    /// Log-odds of a cell drawn at full strength.
    pub full: f32,
}

/// What belongs to a structure that the network outlines; shown, not used.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mask {
    /// The network's output of `1 × 1 × height × width` log-odds of being inside.
    pub output: String,
    /// What is outlined.
    pub name: String,
    /// Log-odds from which a pixel is inside.
    pub least: f32,
}

/// What was measured out of fold at the shipped thresholds; shown, not used.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stated {
    /// Share of the clips or pictures that got a verdict.
    pub coverage: f32,
    /// Of the verdicts given.
    pub sensitivity: f32,
    pub specificity: f32,
    pub method: String,
}

impl Head {
    /// The label that a word means, by name or alias, whatever its case.
    pub fn label_of(&self, word: &str) -> Option<usize> {
        self.labels.iter().position(|label| label.words().any(|w| same(w, word)))
    }

    fn validate(&self) -> Result<(), String> {
        let (name, n) = (&self.name, self.labels.len());
        require(!name.is_empty(), "head.name", "\"\"", "a short name")?;
        let key = |key: &str| format!("head.{key} of {name}");
        let temperature = self.temperature.is_finite() && self.temperature > 0.0;
        require(temperature, &key("temperature"), self.temperature, "a positive number")?;
        let (least, allowed) = match self.activation {
            Activation::Softmax => (2, "two labels or more with softmax"),
            Activation::Sigmoid => (1, "one label or more"),
        };
        require(n >= least, &key("label"), format!("{n} labels"), allowed)?;
        let mut seen = HashSet::new();
        for word in self.labels.iter().flat_map(Label::words) {
            let fine = !word.trim().is_empty() && seen.insert(word.to_lowercase());
            let allowed = "names and aliases that are not empty and mean one label each";
            require(fine, &key("label"), format!("\"{word}\""), allowed)?;
        }
        Ok(())
    }
}

impl Label {
    fn words(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name[..]).chain(self.aliases.iter().map(|alias| &alias[..]))
    }
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b.trim())
}

impl Manifest {
    /// Scores that the network gives in all: the verdict's, the heads' and familiarity.
    pub fn scores(&self) -> usize {
        let heads: usize = self.heads.iter().map(|head| head.labels.len()).sum();
        self.verdict_scores() + heads + usize::from(self.familiarity.is_some())
    }

    /// The scores that the verdict rests on, which are the first.
    pub fn verdict_scores(&self) -> usize {
        match self.output.activation {
            Activation::Sigmoid => 1,
            Activation::Softmax => self.classes.len(),
        }
    }

    /// Each head with its place among the scores.
    pub fn heads(&self) -> impl Iterator<Item = (&Head, screening::Head)> {
        let mut next = self.verdict_scores();
        self.heads.iter().map(move |head| {
            let first = next;
            next += head.labels.len();
            let exclusive = head.activation == Activation::Softmax;
            let temperature = head.temperature;
            (head, screening::Head { first, len: head.labels.len(), exclusive, temperature })
        })
    }

    /// The head of this name, whatever its case, with its place among the scores.
    pub fn head(&self, name: &str) -> Option<(&Head, screening::Head)> {
        self.heads().find(|(head, _)| same(&head.name, name))
    }

    pub(super) fn validate_outputs(&self) -> Result<(), String> {
        let mut names = HashSet::new();
        for head in &self.heads {
            head.validate()?;
            let new = names.insert(head.name.to_lowercase());
            require(new, "head.name", format!("\"{}\" twice", head.name), "one name a head")?;
        }
        let scores = self.scores();
        let allowed = format!("at most {MOST_SCORES} scores with the heads' and familiarity");
        require(scores <= MOST_SCORES, "head.label", format!("one of {scores}"), &allowed)?;
        if let Some(Familiarity { least }) = self.familiarity {
            require(least.is_finite(), "familiarity.least", least, "a number")?;
        }
        if let Some(ActivationMap { output, full }) = &self.map {
            require(!output.is_empty(), "map.output", "\"\"", "the name of an output")?;
            require(full.is_finite() && *full > 0.0, "map.full", full, "a positive number")?;
        }
        if let Some(Mask { output, name, least }) = &self.mask {
            let map = self.map.as_ref().map(|map| &map.output);
            let own = !output.is_empty() && map != Some(output);
            let allowed = "the name of an output that is not the map's";
            require(own, "mask.output", format!("\"{output}\""), allowed)?;
            require(!name.is_empty(), "mask.name", "\"\"", "what is outlined")?;
            require(least.is_finite(), "mask.least", least, "a number")?;
        }
        if let Some(stated) = &self.stated {
            for (key, value) in [
                ("stated.coverage", stated.coverage),
                ("stated.sensitivity", stated.sensitivity),
                ("stated.specificity", stated.specificity),
            ] {
                require((0.0..=1.0).contains(&value), key, value, "0 to 1")?;
            }
            require(!stated.method.is_empty(), "stated.method", "\"\"", "how it was measured")?;
        }
        Ok(())
    }
}

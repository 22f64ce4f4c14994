//! Where the network looked in a picture that is reviewed: computed again, from what it saw then, when
//! the picture is shown.

use std::sync::Arc;

use super::Archive;
use crate::error::Error;
use crate::pipeline::{Model, Stages};
use crate::screening::Mode;
use crate::snapshot::{HeatMap, Outline};
use crate::store::ExamId;

/// A picture of an exam: the exam, and which of its reel's moments.
pub type Spot = (ExamId, usize);

/// What lies over a picture.
#[derive(Debug, Default)]
pub struct Map {
    pub heat: HeatMap,
    pub outline: Outline,
    /// Why it could not be computed.
    pub failed: Option<String>,
}

/// Of the exam that is reviewed, what the network saw of each picture; nothing of one that is no
/// evidence.
pub struct Seen {
    pub id: ExamId,
    pub tensors: Vec<Vec<u8>>,
    pub stages: Option<Stages>,
}

impl Seen {
    /// As the live view has it: over a picture that is no evidence lies nothing.
    fn map(&mut self, moment: usize, model: &Model) -> Result<Map, Error> {
        let mut map = Map::default();
        let Some(tensor) = self.tensors.get(moment).filter(|tensor| !tensor.is_empty()) else {
            return Ok(map);
        };
        let stages = match &mut self.stages {
            Some(stages) => stages,
            none => none.insert(model.stages(Mode::Live)?),
        };
        stages.look_again(tensor, &mut map.heat, &mut map.outline)?;
        Ok(map)
    }
}

impl Archive {
    /// Computes the map of the picture that is looked at.
    pub(super) fn map(&mut self) {
        let Some(spot) = self.shared.pointed().take() else { return };
        let (id, moment) = spot;
        let Some(seen) = self.seen.as_mut().filter(|seen| seen.id == id) else { return };
        let map = seen.map(moment, &self.model);
        let map =
            map.unwrap_or_else(|error| Map { failed: Some(error.to_string()), ..Map::default() });
        let mut view = self.shared.view();
        // It may have been left meanwhile.
        if view.opened.as_ref().is_some_and(|opened| opened.record.id == id) {
            view.map = Some((spot, Arc::new(map)));
        }
    }

    /// Nothing of an exam is reviewed any more.
    pub(super) fn leave(&mut self) {
        self.seen = None;
        let mut view = self.shared.view();
        (view.opened, view.map, view.said) = (None, None, None);
    }
}

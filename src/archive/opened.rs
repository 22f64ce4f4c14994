//! An exam read back, small enough to be held in memory: its pictures and what was made of each.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::map::Seen;
use super::{Archive, Said};
use crate::error::Error;
use crate::reel::{Moment, Reel};
use crate::screening::{Mode, Screening};
use crate::snapshot::Picture;
use crate::store::{ExamId, Record};

/// Most pictures, and their largest size in pixels: 40 MB together, and what the network saw of them 10.
/// Of longer exams every second, third, ... is read.
const MOST: u64 = 500;
const LIMIT: (u32, u32) = (320, 240);

pub struct Opened {
    pub record: Record,
    pub reel: Reel,
    /// Time between two of its moments, about.
    pub step: Duration,
    /// By another bundle, whose scores mean nothing here.
    pub foreign: bool,
    /// Where the network looked in its pictures can be computed.
    pub mapped: bool,
    /// Why there is no more of it.
    pub damage: Option<String>,
}

impl Archive {
    /// Reads an exam, unless something else is asked for meanwhile.
    pub(super) fn open(&mut self, id: ExamId) -> Result<(), Error> {
        self.leave();
        let Some(keys) = &self.keys else { return Ok(()) };
        self.say(Some(Said::Reading(0)));
        let exam = self.shelf.exam(&keys.unlocked, id)?;
        let all = exam.record.ledger.kept.max(1);
        let every = all.div_ceil(MOST);
        let foreign = exam.record.means.bundle_digest != self.model.bundle.digest;
        let mapped = !foreign && self.model.maps_again();
        // What was said live, from the same measures and scores: screening is pure.
        let mut screening = Screening::new(self.model.bundle.manifest.rules(), Mode::Live);
        let (mut moments, mut tensors, mut whole) = (Vec::new(), Vec::new(), Picture::default());
        let (mut first, mut last, mut damage) = (None, Duration::ZERO, None);
        for (i, frame) in (0..).zip(self.shelf.frames(&exam)?) {
            if self.shared.stop.load(Ordering::SeqCst) {
                self.say(None);
                return Ok(());
            }
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => {
                    damage = Some(error.to_string());
                    break;
                }
            };
            if frame.interrupted {
                screening.interrupt();
            }
            screening.observe(&frame.measures, &frame.scores);
            let at = frame.measures.timestamp;
            last = at.saturating_sub(*first.get_or_insert(at));
            if i % every != 0 {
                continue;
            }
            (whole.width, whole.height) = (frame.bounds.width(), frame.bounds.height());
            whole.luma = frame.luma;
            let mut moment = Moment { at: last, ..Moment::default() };
            moment.picture.reduce(&whole, LIMIT);
            if !foreign {
                moment.verdict = Some(screening.verdict());
                moment.probability = screening.evidence().probability;
                moment.flaw = screening.flaw();
            }
            let evidence = mapped && moment.flaw.is_none();
            tensors.push(if evidence { frame.tensor } else { Vec::new() });
            moments.push(moment);
            self.say(Some(Said::Reading((100 * i / all).min(100) as u8)));
        }
        let step = last / (moments.len().max(2) as u32 - 1);
        let reel = Reel::from(moments);
        self.seen = mapped.then_some(Seen { id, tensors, stages: None });
        let opened = Opened { record: exam.record, reel, step, foreign, mapped, damage };
        let mut view = self.shared.view();
        (view.opened, view.said) = (Some(Arc::new(opened)), None);
        Ok(())
    }
}

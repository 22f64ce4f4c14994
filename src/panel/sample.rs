//! Snapshots as they come up in use, for pictures of the panel.

use std::sync::Arc;
use std::time::Duration;

use crate::exam::{Exam, State};
use crate::screening::{Evidence, Flaw, Reason, Verdict};
use crate::snapshot::{Fault, FaultKind, Identity, Snapshot};

/// A state worth showing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    Refer,
    Clear,
    Ungradable,
    Fault,
    Idle,
    Held,
}

/// The snapshot of a box in that state.
pub fn snapshot(sample: Sample, demonstration: bool) -> Snapshot {
    let identity = Identity {
        demonstration,
        min_evidence: Duration::from_secs(2),
        refer: 0.55,
        clear: 0.45,
        ..Identity::default()
    };
    let mut snapshot = Snapshot::new(Arc::new(identity));
    snapshot.exam = match sample {
        Sample::Idle => Exam::default(),
        Sample::Held => Exam { state: State::Held, number: 12 },
        _ => Exam { state: State::Scanning, number: 12 },
    };
    let mut judge = |verdict, probability| {
        snapshot.verdict = Some(verdict);
        let usable = Duration::from_millis(3600);
        let seen = Duration::from_secs(4);
        snapshot.evidence =
            Evidence { usable, seen, used: 1, frames: 1, probability, ..Evidence::default() };
    };
    match sample {
        Sample::Refer | Sample::Held => judge(Verdict::Refer, 0.93),
        Sample::Clear => judge(Verdict::Clear, 0.08),
        Sample::Ungradable => {
            judge(Verdict::Ungradable(Reason::Flawed(Flaw::Frozen)), 0.5);
            snapshot.flaw = Some(Flaw::Frozen);
        }
        Sample::Fault => {
            let words = "v4l2:/dev/video0: no frame for 1500 ms; check the cable and the machine";
            snapshot.fault = Some(Fault { kind: FaultKind::NoSignal, words: words.into() });
        }
        Sample::Idle => {}
    }
    snapshot
}

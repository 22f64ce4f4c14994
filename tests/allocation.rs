//! In steady state none of our stages allocates; what tract allocates is measured and pinned.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use sonolamp::bundle::{ActivationMap, Bundle, Mask};
use sonolamp::capture::FrameSource;
use sonolamp::capture::phantom::{Phantom, PhantomSpec};
use sonolamp::error::Error;
use sonolamp::frame::{Bounds, Frame};
use sonolamp::inference::{Answer, Classifier, Plane};
use sonolamp::pipeline::capturing::{CaptureStatus, Captured, Ending, capture};
use sonolamp::pipeline::latest::Latest;
use sonolamp::pipeline::live::{Engine, Settings};
use sonolamp::pipeline::shutdown::Shutdown;
use sonolamp::pipeline::{Model, Stages};
use sonolamp::protocol::{Choice, Examination};
use sonolamp::screening::{Mode, Thresholds, Verdict};
use sonolamp::snapshot::{MAP_SIDE, MASK_SIDE, Snapshot};
use sonolamp::store::{self, Means, Recorder, Recording, SecretKey, Store, When};

/// Stands for the network, with a map and a mask of the largest size.
struct Constant;

fn plane(side: usize, plane: &mut Plane) {
    (plane.width, plane.height) = (side, side);
    plane.values.resize(side * side, 1.0);
}

/// The built-in bundle, declaring both.
fn bundle() -> Bundle {
    let mut bundle = Bundle::load(None).unwrap();
    bundle.manifest.map = Some(ActivationMap { output: "map".into(), full: 4.0 });
    let (output, name) = ("mask".into(), "lesion".into());
    bundle.manifest.mask = Some(Mask { output, name, least: 0.0 });
    bundle
}

impl Classifier for Constant {
    fn classify(&mut self, _: &[u8], answer: &mut Answer) -> Result<(), Error> {
        answer.scores.fill(1.0);
        plane(MAP_SIDE, &mut answer.map);
        plane(MASK_SIDE, &mut answer.mask);
        Ok(())
    }
}

/// So that it can live in a snapshot.
#[test]
fn an_examination_is_copied_and_judged_without_allocation() {
    let protocol = "lung-12".parse::<Choice>().unwrap().load().unwrap();
    let mut examination = Examination::new(Arc::new(protocol));
    let mut shown = examination.clone();
    let counted = measure(|| {
        for zone in 0..12 {
            examination.select(zone).unwrap();
            examination.set_verdict(zone, Verdict::Clear, 0.1).unwrap();
            examination.set_score(zone, Some(1)).unwrap();
            shown = examination.clone();
            std::hint::black_box((shown.conclude(), shown.next_zone(), shown.score_sum()));
        }
    });
    assert_eq!(counted.count_total, 0);
    assert!(shown.complete());
}

/// The path of a frame from source to sink, without the network.
#[test]
fn our_stages_allocate_nothing_a_frame() {
    let bundle = bundle();
    for spec in ["lung-blines?seed=4", "lung-normal?size=1280x720", "noise", "blank"] {
        let mut phantom = Phantom::new(&spec.parse().unwrap());
        let mut stages = Stages::new(&bundle, Box::new(Constant), Mode::Live);
        let frames = Latest::new(Frame::default());
        let empty = || Snapshot::new(Arc::default());
        let snapshots = Latest::new(empty());
        let (mut captured, mut taken) = (Frame::default(), Frame::default());
        let (mut snapshot, mut spare, mut shown) = (empty(), empty(), empty());
        let mut step = || {
            let patience = std::time::Duration::ZERO;
            phantom.next(&mut captured).unwrap();
            frames.publish(&mut captured);
            frames.take(&mut taken, patience);
            stages.process(&mut taken).unwrap();
            let bounds = stages.bounds().unwrap_or(Bounds::whole(&taken));
            snapshot.picture.shrink(&taken, bounds);
            stages.overlay(bounds, &mut snapshot.heat, &mut snapshot.outline);
            snapshot.verdict = Some(stages.screening().verdict());
            snapshot.evidence = *stages.screening().evidence();
            snapshot.history.push(snapshot.evidence.probability);
            spare.copy_from(&snapshot);
            snapshots.publish(&mut spare);
            snapshots.take(&mut shown, patience);
        };
        // Two buffers circulate through every slot; all of them grow in the first frames.
        (0..8).for_each(|_| step());
        let counted = measure(|| (0..50).for_each(|_| step()));
        assert_eq!(counted.count_total, 0, "{spec}: allocations in 50 frames");
    }
}

/// Allocations of an engine that runs for so long, in its own thread; `keeping` records the exam and
/// follows a protocol.
fn engine_allocations(limit: Duration, keeping: bool) -> u64 {
    let bundle = bundle();
    let folder = tempfile::tempdir().unwrap();
    let (recording, recorder) = keeping.then(|| recorder(folder.path())).unzip();
    let protocol = || Arc::new("lung-12".parse::<Choice>().unwrap().load().unwrap());
    let (shutdown, status) = (&Shutdown::default(), &CaptureStatus::default());
    let frames = &Latest::new(Captured::new());
    let snapshots = &Latest::new(Snapshot::new(Arc::default()));
    let settings = Settings {
        identity: Arc::default(),
        auto_start: true,
        stall: Duration::from_secs(60),
        stop_at_end: false,
        auto_hold: None,
        examination: keeping.then(|| Examination::new(protocol())),
        device: Arc::default(),
        limit: Some(limit),
        recording,
        guidance: Some(Thresholds::default()),
    };
    let stages = Stages::new(&bundle, Box::new(Constant), Mode::Live);
    let engine = Engine::new(settings, stages, &[snapshots]);
    let (_commands, orders) = std::sync::mpsc::sync_channel(1);
    std::thread::scope(|scope| {
        if let Some(recorder) = recorder {
            scope.spawn(move || recorder.run());
        }
        scope.spawn(move || {
            let spec: PhantomSpec = "lung-blines?seed=4".parse().unwrap();
            let open = || Ok(Box::new(Phantom::new(&spec)) as Box<dyn FrameSource>);
            capture(open, Ending::Stop, frames, status, shutdown);
        });
        scope
            .spawn(move || measure(|| engine.run(frames, status, &orders, shutdown)).count_total)
            .join()
            .unwrap()
    })
}

#[test]
fn the_live_engine_allocates_nothing_in_steady_state() {
    for keeping in [false, true] {
        let allocations = |seconds| engine_allocations(Duration::from_secs(seconds), keeping);
        // The recorder's buffers have all been used after two seconds.
        let (short, long) = (allocations(3), allocations(6));
        println!("{short} allocations in three seconds, {long} in six; recording: {keeping}");
        assert_eq!(short, long, "three more seconds cost allocations; recording: {keeping}");
    }
}

/// Both ends of a recorder that keeps exams in this folder.
fn recorder(folder: &Path) -> (Recording, Recorder) {
    let when = When { time: 1_790_000_000, clock_set: true };
    let keys = SecretKey::generate().recipients();
    let (store, _) = Store::open_folder(folder, keys, 0, when).unwrap();
    store::recorder(store, Means::default(), None)
}

/// Allocations of tract's around one inference of ours, which has none; an increase deserves a look.
const TRACT_ALLOCATIONS: u64 = 43;

#[test]
fn allocations_of_the_network_are_known() {
    let model = Model::load(None).unwrap();
    let mut stages = model.stages(Mode::Clip).unwrap();
    let mut phantom = Phantom::new(&"lung-blines?seed=4".parse().unwrap());
    let mut frame = Frame::default();
    let mut step = || {
        phantom.next(&mut frame).unwrap();
        stages.process(&mut frame).unwrap();
    };
    (0..3).for_each(|_| step());
    let counted = measure(|| (0..10).for_each(|_| step()));
    let each = counted.count_total / 10;
    println!("tract allocates {each} times a frame, at most {} bytes at once", counted.bytes_max);
    assert!(each <= TRACT_ALLOCATIONS, "{each} allocations a frame");
}

//! Training reads what the appliance feeds: the tensors of `sonolamp frames` are, bit for bit,
//! those that the appliance's stages give to the network.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use assert_cmd::Command;
use sonolamp::bundle::Bundle;
use sonolamp::capture::SourceSpec;
use sonolamp::error::Error;
use sonolamp::inference::{Answer, Classifier};
use sonolamp::pipeline::{Stages, clip};
use sonolamp::screening::Mode;

/// In the network's place: sends on what it is fed.
struct Fed(Sender<Vec<u8>>);

impl Classifier for Fed {
    fn classify(&mut self, tensor: &[u8], answer: &mut Answer) -> Result<(), Error> {
        answer.scores.fill(0.0);
        self.0.send(tensor.to_vec()).unwrap();
        Ok(())
    }
}

/// What the network of the built-in bundle gets of the first `seconds` of `source`.
fn fed(source: &str, mode: Mode, seconds: f64) -> Vec<Vec<u8>> {
    let bundle = Bundle::load(None).unwrap();
    let (send, receive) = channel();
    let mut stages = Stages::new(&bundle, Box::new(Fed(send)), mode);
    let mut clip = SourceSpec::from_argument(source).unwrap().open_clip().unwrap();
    // As `frames` does, without the frame at the limit itself.
    let limit = Duration::from_secs_f64(seconds) - Duration::from_millis(1);
    clip::screen(&mut *clip, &mut stages, limit).unwrap();
    drop(stages);
    receive.iter().collect()
}

/// What `sonolamp frames` writes of the same, for the same bundle's input.
fn written(source: &str, seconds: f64) -> Vec<u8> {
    let input = Bundle::load(None).unwrap().manifest.input;
    let folder = tempfile::tempdir().unwrap();
    let size = format!("{}x{}", input.width, input.height);
    let region = format!("{:?}", input.region).to_lowercase();
    let mut frames = Command::cargo_bin("sonolamp").unwrap();
    frames.args(["frames", source, "--size", &size, "--region", &region, "--out"]);
    frames.arg(folder.path()).args(["--seconds", &seconds.to_string()]).assert().success();
    let bytes = std::fs::read(folder.path().join("0000.npy")).unwrap();
    let head = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[head..].to_vec()
}

fn assert_no_skew(source: &str, seconds: f64) {
    let written = written(source, seconds);
    for mode in [Mode::Clip, Mode::Live] {
        let fed = fed(source, mode, seconds);
        assert!(fed.len() > 4, "{source}: {} frames", fed.len());
        assert_eq!(fed.len() * fed[0].len(), written.len(), "{source}");
        for (i, (fed, written)) in fed.iter().zip(written.chunks(fed[0].len())).enumerate() {
            assert!(fed == written, "{source}: frame {i} differs");
        }
    }
}

#[test]
fn of_phantoms() {
    for spec in ["lung-blines?seed=3&chrome=1", "lung-normal?probe=linear&fps=10", "breast-mass"] {
        assert_no_skew(&format!("phantom:{spec}"), 2.0);
    }
}

#[test]
fn of_recordings() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let ffmpeg = std::process::Command::new("ffmpeg").arg("-version").output().is_ok();
    for clip in
        ["lung_pocus/videos/convex/Cov-Atlas+(45).gif", "covid_blues/lus_videos/patient_13_L1.mp4"]
    {
        let path = data.join(clip);
        if !path.is_file() || !ffmpeg {
            eprintln!("skipped: {} or ffmpeg is not here", path.display());
            continue;
        }
        assert_no_skew(path.to_str().unwrap(), 3.0);
    }
}

//! Any bytes as a bundle's manifest, or as its network: refused with words, or loaded and run.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sonolamp::bundle::Bundle;
use sonolamp::inference::{Placement, Runner};

fuzz_target!(|bytes: &[u8]| {
    sonolamp_fuzz::quiet();
    let Some((&kind, bytes)) = bytes.split_first() else { return };
    if kind == b'#' {
        let folder = sonolamp_fuzz::folder();
        std::fs::write(folder.path().join("bundle.toml"), bytes).expect("a file in memory");
        let _ = Bundle::load(Some(folder.path()));
    } else if let Ok(mut runner) = Runner::load("fuzz", bytes, Placement::default()) {
        let _ = runner.run();
    }
});

//! The rules of the house: who may name whom.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Modules that each module may name beside itself and `error`. Only `pipeline` and `cli` wire;
/// sinks see the snapshot and the slot it comes through.
const MAY_USE: &[(&str, &[&str])] = &[
    ("frame", &[]),
    ("exam", &["patient", "protocol"]),
    ("error", &[]),
    ("capture", &["frame"]),
    ("preprocess", &["frame"]),
    ("screening", &["preprocess"]),
    ("bundle", &["preprocess", "screening"]),
    ("protocol", &["screening"]),
    ("inference", &[]),
    ("snapshot", &["exam", "frame", "protocol", "screening"]),
    ("patient", &[]),
    ("reel", &["exam", "screening", "snapshot"]),
    // Beside the screening, what `exam export` and `exam send` do.
    ("archive", &["handover", "pacs", "pipeline", "reel", "screening", "snapshot", "store"]),
    ("store", &["frame", "patient", "preprocess", "protocol", "screening", "snapshot"]),
    (
        "handover",
        &["evaluation", "frame", "patient", "protocol", "screening", "snapshot", "store", "texts"],
    ),
    ("pacs", &[]),
    ("gpio", &[]),
    ("device", &["snapshot", "pipeline"]),
    ("lamps", &["gpio", "snapshot", "pipeline"]),
    ("panel", &["gpio", "snapshot", "exam", "screening", "pipeline"]),
    ("buttons", &["gpio", "exam", "pipeline"]),
    ("headless", &["snapshot", "exam", "protocol", "screening", "pipeline", "service"]),
    (
        "dashboard",
        // Kept exams are no part of the snapshot: names must not be.
        &[
            "snapshot",
            "archive",
            "exam",
            "patient",
            "protocol",
            "reel",
            "screening",
            "config",
            "pipeline",
            "texts",
        ],
    ),
    ("texts", &[]),
    ("service", &[]),
    ("watch", &["snapshot", "pipeline"]),
    ("evaluation", &["screening"]),
    (
        "config",
        &[
            "bundle",
            "capture",
            "frame",
            "gpio",
            "lamps",
            "buttons",
            "pacs",
            "panel",
            "protocol",
            "screening",
            "texts",
            "watch",
        ],
    ),
    ("pipeline", &["*"]),
    ("cli", &["*"]),
    // A test of all sinks together.
    ("agreement", &["*"]),
];

/// Vendor crates and the files that may name each: one place, or one for each way through it.
const VENDORS: [(&str, &[&str]); 31] = [
    ("v4l", &["capture/v4l2"]),
    ("rppal", &["lamps/rppal.rs"]),
    ("gpiocdev", &["gpio.rs"]),
    ("embedded_graphics", &["panel", "handover/summary.rs"]),
    ("linux_embedded_hal", &["panel/bus.rs"]),
    ("ssd1306", &["panel/mono.rs"]),
    ("mipidsi", &["panel/colour.rs"]),
    ("tract_onnx", &["inference"]),
    ("dicom_object", &["capture/dicom", "handover", "pacs"]),
    ("dicom_core", &["capture/dicom", "handover/dicom", "pacs"]),
    ("dicom_dictionary_std", &["handover/dicom"]),
    ("dicom_encoding", &["pacs"]),
    ("dicom_parser", &["capture/dicom"]),
    ("dicom_transfer_syntax_registry", &["capture/dicom", "pacs"]),
    ("dicom_ul", &["pacs"]),
    ("rustls", &["pacs"]),
    ("hayro_jpeg2000", &["capture/dicom"]),
    ("jpeg_decoder", &["capture/dicom"]),
    ("zune_jpeg", &["capture/jpeg.rs"]),
    ("ratatui", &["dashboard"]),
    ("fluent_bundle", &["texts"]),
    ("age", &["store/seal.rs"]),
    ("argon2", &["store/seal/locked.rs"]),
    ("bip39", &["store/seal/locked.rs"]),
    ("rpassword", &["cli/exam.rs"]),
    ("redb", &["store/index.rs"]),
    ("base64", &["handover/page.rs", "bundle/signature.rs"]),
    ("sd_notify", &["service.rs"]),
    ("ed25519_dalek", &["bundle/signature.rs"]),
    ("clap_mangen", &["cli/manual.rs"]),
    ("clap_complete", &["cli/manual.rs"]),
];

fn sources() -> BTreeMap<PathBuf, String> {
    fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|e| e == "rs") {
                into.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            // Tests may wire what they like; they stand at the end of a file or in tests.rs.
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
            (path.strip_prefix(&root).unwrap().to_owned(), code)
        })
        .filter(|(path, _)| !path.ends_with("tests.rs"))
        .collect()
}

fn module(path: &Path) -> String {
    let first = path.iter().next().unwrap().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.starts_with("//"))
}

#[test]
fn modules_name_only_what_they_may() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    for (path, text) in sources() {
        let module = module(&path);
        if module == "lib" || module == "main" {
            continue;
        }
        let may = allowed.get(module.as_str()).unwrap_or_else(|| panic!("{module} has no rule"));
        for line in code_lines(&text) {
            for used in line.split("crate::").skip(1) {
                let used: String =
                    used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let fine = used == module || used == "error" || may.contains(&"*");
                assert!(fine || may.contains(&used.as_str()), "{}: {line}", path.display());
            }
        }
    }
}

#[test]
fn sinks_see_only_the_slots_of_the_pipeline() {
    for (path, text) in sources() {
        if !["lamps", "panel", "headless", "dashboard", "buttons", "watch", "device"]
            .contains(&module(&path).as_str())
        {
            continue;
        }
        for line in code_lines(&text).filter(|line| line.contains("crate::pipeline::")) {
            let fine = line.contains("pipeline::latest") || line.contains("pipeline::shutdown");
            assert!(fine, "{}: {line}", path.display());
        }
    }
}

#[test]
fn pure_modules_touch_neither_files_nor_clocks_nor_threads() {
    const IMPURE: [&str; 9] = [
        "std::fs",
        "std::io",
        "std::net",
        "std::env",
        "std::process",
        "std::thread",
        "Instant",
        "SystemTime",
        "println!",
    ];
    for (path, text) in sources() {
        // `protocol` is pure but for the file that reads files.
        let pure = ["frame", "screening", "snapshot", "exam", "preprocess", "protocol"];
        if !pure.contains(&module(&path).as_str()) || path.ends_with("protocol/choice.rs") {
            continue;
        }
        for line in code_lines(&text) {
            for word in IMPURE {
                assert!(!line.contains(word), "{}: {line}", path.display());
            }
        }
    }
}

#[test]
fn each_vendor_crate_is_named_in_one_place() {
    for (path, text) in sources() {
        for (vendor, homes) in VENDORS {
            let name = format!("{vendor}::");
            let named = code_lines(&text).any(|line| {
                let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
                line.match_indices(&name).any(|(at, _)| !line[..at].ends_with(part_of_word))
                    && !line.contains(&format!("::{vendor}::"))
                    && !line.contains(&format!("mod {vendor}"))
            });
            let at_home = homes
                .iter()
                .any(|home| path.starts_with(home) || path.to_str() == Some(&format!("{home}.rs")));
            // `lamps.rs` calls its own module `rppal`, not the crate.
            let own_module = vendor == "rppal" && path.ends_with("lamps.rs");
            assert!(!named || at_home || own_module, "{} names {vendor}", path.display());
        }
    }
}

#[test]
fn only_the_kernels_are_unsafe_and_each_use_says_why_it_is_not() {
    let manifest = include_str!("../Cargo.toml");
    assert!(manifest.contains("unsafe_code = \"deny\""));
    for (path, text) in sources() {
        let home = path.starts_with("inference/kernels") || path.ends_with("inference/kernels.rs");
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (i, line) in lines.iter().enumerate().filter(|(_, line)| !line.starts_with("//")) {
            let used = line.contains("unsafe {") || line.contains("allow(unsafe_code)");
            assert!(!used || home, "{}: {line}", path.display());
            let said = lines[i.saturating_sub(6)..i].iter().any(|l| l.starts_with("// SAFETY:"));
            assert!(!line.contains("unsafe {") || said, "{}:{} {line}", path.display(), i + 1);
        }
    }
}

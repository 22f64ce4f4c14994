//! The built program on files and phantoms, as a user runs it.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

fn sonolamp(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("sonolamp").unwrap();
    command.args(arguments).timeout(std::time::Duration::from_secs(300));
    command
}

struct Done {
    code: i32,
    out: String,
    err: String,
}

fn done(command: &mut Command) -> Done {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let done = Done {
        code: output.status.code().unwrap_or(-1),
        out: text(output.stdout),
        err: text(output.stderr),
    };
    assert!(!done.err.contains("panicked"), "{}", done.err);
    done
}

fn run(arguments: &[&str]) -> Done {
    done(&mut sonolamp(arguments))
}

/// A folder with the pictures of a phantom, in order.
fn phantom_pictures(spec: &str, seconds: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let made = run(&["frames", spec, "--out", out, "--seconds", seconds, "--png"]);
    assert_eq!(made.code, 0, "{}", made.err);
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_str().unwrap().ends_with("-picture.png") {
            std::fs::remove_file(path).unwrap();
        }
    }
    folder
}

fn json(done: &Done) -> Vec<Value> {
    done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_folder_of_pictures_is_a_clip_and_each_picture_alone_is_too_little() {
    let folder = phantom_pictures("phantom:lung-blines?seed=4&fps=10", "2");
    let path = folder.path().to_str().unwrap();
    let clip = run(&["screen", &format!("file:{path}"), "--json"]);
    let result = &json(&clip)[0];
    assert_eq!((clip.code, &result["verdict"]), (0, &Value::from("refer")), "{}", clip.out);
    assert_eq!(result["frames"]["read"], 20);
    assert!(result["evidence"]["usable_s"].as_f64().unwrap() > 1.5);
    assert_eq!(result["bundle_digest"].as_str().unwrap().len(), 64);
    let each = run(&["screen", path, "--json"]);
    let results = json(&each);
    assert_eq!((each.code, results.len()), (0, 20));
    for result in results {
        assert_eq!(result["verdict"], "ungradable");
        assert_eq!(result["reasons"][0], "too-little-evidence");
        assert!(result["score"].as_f64().is_some());
    }
}

#[test]
fn one_bad_file_among_good_ones_is_named_and_the_rest_done() {
    let folder = phantom_pictures("phantom:lung-normal?fps=5&size=160x120", "1");
    std::fs::write(folder.path().join("0000-0002-broken.png"), b"\x89PNG\r\n\x1a\n123").unwrap();
    let result = run(&["screen", folder.path().to_str().unwrap(), "--json"]);
    assert_eq!(result.code, 1);
    assert!(result.err.contains("0000-0002-broken.png: is broken"), "{}", result.err);
    assert!(result.err.contains("1 of 6 inputs could not be used"), "{}", result.err);
    let lines = json(&result);
    assert_eq!(lines.iter().filter(|line| line.get("verdict").is_some()).count(), 5);
    assert_eq!(lines.iter().filter(|line| line.get("error").is_some()).count(), 1);
}

#[test]
fn bad_input_gives_one_line_with_file_problem_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let write = |name: &str, bytes: &[u8]| std::fs::write(at(name), bytes).unwrap();
    let picture = |width: u32, height: u32, name: &str| {
        image::RgbImage::new(width, height).save(at(name)).unwrap();
        std::fs::read(at(name)).unwrap()
    };
    picture(1, 1, "tiny.png");
    picture(8000, 8000, "huge.png");
    picture(8000, 8000, "huge.gif");
    let png = picture(200, 100, "whole.png");
    let jpeg = picture(200, 100, "whole.jpg");
    let gif = picture(200, 100, "whole.gif");
    write("half.png", &png[..png.len() / 2]);
    write("half.jpg", &jpeg[..jpeg.len() - 20]);
    write("half.gif", &gif[..gif.len() / 2]);
    write("empty.jpg", b"");
    write("words.png", b"These are words.");
    write("words.mp4", b"These are words.");
    write("words.txt", b"These are words.");
    std::fs::create_dir(at("nothing")).unwrap();
    for (name, problem) in [
        ("absent.png", "cannot be read (no such file"),
        ("tiny.png", "is 1x1 pixels"),
        ("huge.png", "is 8000x8000 pixels"),
        ("huge.gif", "is 8000x8000 pixels"),
        ("half.png", "is broken or truncated"),
        ("half.jpg", "is broken or truncated"),
        ("half.gif", "is broken at frame 1"),
        ("empty.jpg", "is empty (0 bytes)"),
        ("words.png", "is not a PNG or JPEG"),
        ("words.mp4", "ffmpeg"),
        ("words.txt", "has no extension known"),
        ("nothing", "holds no pictures or clips"),
    ] {
        let result = run(&["screen", at(name).to_str().unwrap()]);
        assert_eq!(result.code, 1, "{name}: {}", result.err);
        assert!(result.err.contains(name) && result.err.contains(problem), "{}", result.err);
        assert_eq!(result.err.trim_end().lines().count(), 1, "{}", result.err);
        assert!(result.err.contains("; "), "no remedy: {}", result.err);
        // The same, live: an error on the command line instead of a screen.
        let source = format!("file:{}", at(name).display());
        let live = run(&["run", "--headless", "--source", &source, "--seconds", "20"]);
        assert_eq!(live.code, 1, "{name}: {}", live.err);
    }
}

#[test]
fn without_ffmpeg_a_video_says_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    std::fs::write(&clip, b"anything").unwrap();
    let result = done(sonolamp(&["screen", clip.to_str().unwrap()]).env("PATH", folder.path()));
    assert_eq!(result.code, 1);
    assert!(result.err.contains("apt install ffmpeg"), "{}", result.err);
}

#[test]
fn videos_are_read_through_ffmpeg() {
    let folder = phantom_pictures("phantom:lung-blines?seed=4&fps=25&size=320x240", "3");
    let clip = folder.path().join("clip.mp4");
    let made = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-framerate", "25", "-i"])
        .arg(folder.path().join("0000-%04d-picture.png"))
        .args(["-pix_fmt", "yuv420p", "-c:v", "mpeg4", "-q:v", "2"])
        .arg(&clip)
        .status();
    if made.is_err() {
        eprintln!("skipped: ffmpeg is not installed");
        return;
    }
    let result = run(&["screen", clip.to_str().unwrap(), "--json"]);
    let line = &json(&result)[0];
    assert_eq!((&line["verdict"], &line["frames"]["read"]), (&"refer".into(), &75.into()));
    // Half a file is no clip.
    let bytes = std::fs::read(&clip).unwrap();
    std::fs::write(&clip, &bytes[..bytes.len() / 2]).unwrap();
    let result = run(&["screen", clip.to_str().unwrap()]);
    assert_eq!(result.code, 1, "{} {}", result.out, result.err);
}

/// Two seconds of a phantom as a camera program would write them.
fn phantom_y4m() -> Vec<u8> {
    let spec = "lung-blines?seed=4&fps=10&size=320x240".parse().unwrap();
    let mut phantom = sonolamp::capture::phantom::Phantom::new(&spec);
    let mut stream = b"YUV4MPEG2 W320 H240 F10:1 Ip A1:1 Cmono XCOLORRANGE=FULL\n".to_vec();
    let mut frame = sonolamp::frame::Frame::default();
    for _ in 0..20 {
        sonolamp::capture::FrameSource::next(&mut phantom, &mut frame).unwrap();
        stream.extend(b"FRAME\n");
        stream.extend(&frame.luma);
    }
    stream
}

#[test]
fn a_clip_on_stdin_is_screened_whole_and_at_its_own_rate() {
    let stream = phantom_y4m();
    let result = done(sonolamp(&["screen", "pipe:-", "--json"]).write_stdin(stream.clone()));
    let line = &json(&result)[0];
    assert_eq!((&line["verdict"], &line["frames"]["read"]), (&"refer".into(), &20.into()));
    assert_eq!(line["evidence"]["duration_s"], 1.9);
    let half = stream[..stream.len() / 2].to_vec();
    let result = done(sonolamp(&["screen", "pipe:-"]).write_stdin(half));
    assert_eq!(result.code, 1);
    assert!(result.err.contains("is damaged at frame"), "{}", result.err);
}

#[test]
fn a_live_pipe_stands_for_a_camera_and_its_end_is_told() {
    let arguments = ["run", "--headless", "--json", "--source", "pipe:-", "--seconds", "60"];
    let result = done(sonolamp(&arguments).write_stdin(phantom_y4m()));
    assert_eq!(result.code, 0, "{}", result.err);
    assert!(result.err.contains("pipe:-: the stream has ended"), "{}", result.err);
    let lines = json(&result);
    let last = lines.last().unwrap();
    assert_eq!((&last["state"], &last["demonstration"]), (&"held".into(), &false.into()));
    let result = done(sonolamp(&arguments).write_stdin("These are words."));
    assert_eq!(result.code, 1);
    assert!(result.err.contains("neither Y4M nor MJPEG"), "{}", result.err);
    assert!(result.out.contains("\"attention_lamp\":\"blinking\""), "{}", result.out);
}

#[test]
fn headless_prints_changes_as_json_and_ends_with_the_source() {
    let folder = phantom_pictures("phantom:lung-blines?seed=4&fps=10", "4");
    let source = format!("file:{}", folder.path().display());
    let result = run(&["run", "--headless", "--json", "--source", &source]);
    assert_eq!(result.code, 0, "{}", result.err);
    let lines = json(&result);
    let last = lines.last().unwrap();
    assert_eq!((&last["state"], &last["verdict"]), (&"held".into(), &"refer".into()));
    assert_eq!((&last["refer_lamp"], &last["source_ended"]), (&true.into(), &true.into()));
    for line in &lines {
        assert_eq!(line["demonstration"], true);
        let lamps = [&line["refer_lamp"], &line["clear_lamp"]];
        assert!(lamps != [&Value::from(true), &Value::from(true)]);
    }
    assert_eq!(lines[0]["reason"], "too-little-evidence");
}

#[test]
fn a_missing_camera_is_a_fault_that_is_waited_out_and_exit_code_3_at_the_end() {
    for source in ["v4l2:/dev/no-such-camera", "v4l2:name=no such card"] {
        let started = std::time::Instant::now();
        let result = run(&["run", "--headless", "--source", source, "--seconds", "2"]);
        assert!(started.elapsed().as_secs_f32() >= 2.0, "it gave up: {}", result.err);
        assert_eq!(result.code, 3);
        assert!(result.out.contains("FAULT no signal"), "{}", result.out);
        assert!(result.out.contains("is absent") && result.out.contains("trying again"));
        assert!(result.err.contains("is absent") && result.err.contains("plug it in"));
    }
}

#[test]
fn doctor_says_what_to_do_where_there_is_no_camera() {
    let nodes = std::fs::read_dir("/dev").unwrap().flatten();
    if nodes.into_iter().any(|e| e.file_name().to_string_lossy().starts_with("video")) {
        eprintln!("skipped: this machine has video devices");
        return;
    }
    let people = run(&["doctor"]);
    assert_eq!(people.code, 3, "{}", people.err);
    assert!(people.out.contains("no camera") && people.out.contains("plug"), "{}", people.out);
    let machine = run(&["doctor", "--json"]);
    assert_eq!(machine.code, 3);
    let report = &json(&machine)[0];
    assert_eq!((&report["usable"], &report["cameras"]), (&false.into(), &Value::Array(vec![])));
    assert!(report["remedy"].as_str().unwrap().contains("plug"));
}

#[test]
fn usage_errors_have_exit_code_2_and_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("box.toml");
    std::fs::write(&config, "[lamps]\ncolor = 3\n").unwrap();
    let config = config.to_str().unwrap();
    let zones = folder.path().join("zones.toml");
    std::fs::write(&zones, "[protocol]\nuse = \"/no/such/protocol.toml\"\n").unwrap();
    let zones = zones.to_str().unwrap();
    for (arguments, words) in [
        (&["run", "--source", "phantom:heart", "--headless"][..], "lung-normal"),
        (&["config", "check", zones], "/no/such/protocol.toml: cannot be read"),
        (&["run", "--source", "webcam", "--headless"], "phantom:SCENE"),
        (&["run", "--source", "v4l2:video0", "--headless"], "v4l2:name=CARD"),
        (&["run", "--config", config, "--headless"], "unknown field `color`"),
        (&["run", "--config", "/no/such/file.toml", "--headless"], "config print"),
        (&["config", "check", config], "unknown field `color`"),
        (&["run", "--source", "phantom:lung-normal"], "--headless"),
        (&["screen"], "PATH"),
        (&["screen", "v4l2:/dev/video0"], "sonolamp run"),
        (&["evaluate", "/no/such/labels.csv"], "check the path"),
        (&["screen", "--colour"], "--colour"),
    ] {
        let result = run(arguments);
        assert_eq!(result.code, 2, "{arguments:?}: {} {}", result.out, result.err);
        assert!(result.err.contains(words), "{arguments:?}: {}", result.err);
    }
}

#[test]
fn hardware_that_is_missing_is_named_and_only_the_panel_is_optional() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("box.toml");
    let arguments = ["run", "--headless", "--drive-lamps", "--seconds", "3", "--config"];
    for (text, code, words) in [
        (
            "[lamps]\ndriver = \"gpiochip\"\nchip = \"/dev/no-chip\"",
            3,
            "/dev/no-chip: is no GPIO chip",
        ),
        ("[buttons]\nchip = \"no-chip\"\nstart = 5", 3, "/dev/no-chip: is no GPIO chip"),
        ("[buttons]\nfreeze = \"NO-SUCH-LINE\"", 3, "GPIO line NO-SUCH-LINE: "),
        (
            "[panel]\ndriver = \"ssd1306\"\ni2c = \"/dev/no-bus\"",
            0,
            "/dev/no-bus: cannot be opened",
        ),
        ("[panel]\ndriver = \"st7789\"\ndc = \"NO-SUCH-LINE\"", 0, "GPIO line NO-SUCH-LINE: "),
    ] {
        std::fs::write(&config, text).unwrap();
        let result = run(&[&arguments[..], &[config.to_str().unwrap()]].concat());
        assert_eq!(result.code, code, "{text}: {}", result.err);
        assert!(result.err.contains(words), "{text}: {}", result.err);
    }
}

#[test]
fn the_panel_is_drawn_to_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("panel.png");
    let path = file.to_str().unwrap();
    for (arguments, size) in [
        (&["--state", "fault"][..], (512, 256)),
        (&["--state", "held", "--model", "st7789"], (480, 640)),
        (&["--state", "clear", "--model", "ili9341", "--wide", "--demo"], (640, 480)),
    ] {
        let result = run(&[&["panel", "--png", path][..], arguments].concat());
        assert_eq!(result.code, 0, "{}", result.err);
        assert_eq!(image::image_dimensions(&file).unwrap(), size);
    }
    let unwritable = run(&["panel", "--png", "/no/such/folder/panel.png"]);
    assert_eq!(unwritable.code, 5, "{}", unwritable.err);
}

#[test]
fn the_sample_configuration_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sonolamp.toml");
    std::fs::write(&path, run(&["config", "print"]).out).unwrap();
    assert_eq!(run(&["config", "check", path.to_str().unwrap()]).code, 0);
}

#[test]
fn version_names_both_licences() {
    let version = run(&["--version"]);
    assert!(version.out.contains("MIT OR Apache-2.0"), "{}", version.out);
    assert!(version.out.contains("CC BY-NC-SA 4.0"), "{}", version.out);
}

#[test]
fn evaluate_measures_and_reports() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = String::from("file,label,group\n");
    for (label, scene) in [("regular", "normal"), ("pathologic", "blines")] {
        for seed in [2, 4] {
            let spec = format!("phantom:lung-{scene}?seed={seed}&fps=10&size=320x240");
            let pictures = phantom_pictures(&spec, "2");
            let name = format!("{label}{seed}");
            std::fs::rename(pictures.path(), folder.path().join(&name)).unwrap();
            table += &format!("{name},{label},{seed}\n");
        }
    }
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("labels.csv"), &table).unwrap();
    let (html, report) = (at("report.html"), at("report.json"));
    let result = run(&["evaluate", &at("labels.csv"), "--html", &html, "--json", &report]);
    assert_eq!(result.code, 0, "{}", result.err);
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(report["metrics"]["auc"]["value"], 1.0, "{}", result.out);
    assert_eq!(report["metrics"]["confusion"]["counts"][1][0], 2);
    let page = std::fs::read_to_string(html).unwrap();
    assert!(page.contains("<svg") && !page.contains("http://localhost"), "plots are inside");
    let page_says = |words: &str| assert!(page.contains(words), "{words}");
    page_says("Reliability");
    page_says("Coverage against error");
    page_says("label, and what was said");
    assert!(!report.to_string().contains(folder.path().to_str().unwrap()), "no absolute paths");
    // An unknown label names itself and what is known.
    std::fs::write(at("odd.csv"), table.replace("pathologic", "purple")).unwrap();
    let odd = run(&["evaluate", &at("odd.csv")]);
    assert_eq!(odd.code, 2);
    assert!(odd.err.contains("`purple`") && odd.err.contains("regular"), "{}", odd.err);
}

#[test]
fn evaluate_in_columns_of_folds_by_strata_and_against_an_earlier_run() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    // Grades of severity; two columns of folds, of which the second leaves a clip out.
    let mut table = String::from("file,grade,patient,site,once,again\n");
    for (i, scene) in ["normal", "blines", "normal", "confluent"].iter().enumerate() {
        let spec = format!("phantom:lung-{scene}?seed={}&fps=10&size=320x240", 2 + i);
        let pictures = phantom_pictures(&spec, "2");
        std::fs::rename(pictures.path(), folder.path().join(format!("clip{i}"))).unwrap();
        let again = if i == 0 { "" } else { "x" };
        table += &format!("clip{i},{i},{i},{},{},{again}\n", ["a", "b"][i / 2], i % 2);
    }
    std::fs::write(at("labels.csv"), &table).unwrap();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/lung/folds");
    let copy = |from: &str, to: &str| {
        let from = models.join(from);
        for entry in walkdir::WalkDir::new(&from).into_iter().map(Result::unwrap) {
            let to = folder.path().join(to).join(entry.path().strip_prefix(&from).unwrap());
            if entry.file_type().is_dir() {
                std::fs::create_dir_all(to).unwrap();
            } else {
                std::fs::copy(entry.path(), to).unwrap();
            }
        }
    };
    copy("fold/0", "folds/0");
    copy("fold/1", "folds/1");
    copy("fold/2", "folds/again/x");
    let table = at("labels.csv");
    let (labels, folds) = (["evaluate", &table[..]], at("folds"));
    let columns = ["--fold-bundles", &folds, "--fold", "once", "--fold", "again"];
    let wanted = ["--label", "grade", "--positive", ">=1", "--by-group-correlation", "grade"];
    let (before, after) = (at("before.json"), at("after.json"));
    let by = ["--by", "site", "--by", "once"];
    let first = run(&[&labels[..], &columns, &wanted, &by, &["--json", &before]].concat());
    assert_eq!(first.code, 0, "{}", first.err);
    let read = |path: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let report = read(&before);
    let names: Vec<&Value> =
        report["bundles"].as_array().unwrap().iter().map(|b| &b["name"]).collect();
    assert_eq!(names, ["0", "1", "again/x"]);
    assert!(report["clips"][0]["outcomes"][1].is_null(), "left out of the second column");
    assert_eq!(report["clips"][1]["outcomes"][1]["bundle"], "again/x");
    assert_eq!(report["clips"][3]["positive"], true);
    assert!(report["metrics"]["correlation"]["spearman"]["value"].is_number(), "{report}");
    assert_eq!(report["strata"]["site"]["b"]["clips"], 2);
    assert_eq!(report["strata"]["once"]["1"]["positives"], 2);
    // One of the bundles alone, against that.
    let alone = at("folds/0");
    let compared = ["--bundle", &alone, "--against", &before, "--json", &after];
    let second = run(&[&labels[..], &wanted, &compared].concat());
    assert_eq!(second.code, 0, "{}", second.err);
    let report = read(&after);
    assert!(report["metrics"]["accuracy"]["difference"]["p"].is_number(), "{report}");
    assert!(report["metrics"]["agreement"]["same_verdict"]["value"].is_number());
    // No labels at all.
    let strangers = run(&[&labels[..], &["--expect", "ungradable", "--by", "site"]].concat());
    assert_eq!(strangers.code, 0, "{}", strangers.err);
    assert!(strangers.out.contains("ungradable share"), "{}", strangers.out);
    assert!(!strangers.out.contains("AUC"), "{}", strangers.out);
    // A single picture is short, which is no merit: as a still it is judged.
    let picture = "clip1/0000-0005-picture.png";
    std::fs::write(at("one.csv"), format!("file\n{picture}\n")).unwrap();
    let one = at("one.csv");
    let short = run(&["evaluate", &one, "--expect", "ungradable"]);
    assert!(short.out.contains("1 were ungradable for being short alone"), "{}", short.out);
    let still = run(&["evaluate", &one, "--expect", "ungradable", "--still"]);
    assert!(still.out.contains("ungradable share           0.000"), "{}", still.out);
    // What is wrong is named.
    for (arguments, words) in [
        (vec!["--label", "grade"], "has the label `0`"),
        (vec!["--label", "site", "--positive", ">=1"], "has `a` in column `site`"),
        (vec!["--label", "grade", "--positive", "2"], "write it as '>=2'"),
        (vec!["--against", "/absent.json", "--expect", "ungradable"], "/absent.json: cannot be"),
        (vec!["--by", "colour", "--expect", "ungradable"], "has no column `colour`"),
    ] {
        let refused = run(&[&labels[..], &arguments].concat());
        assert_eq!(refused.code, 2, "{arguments:?}: {}", refused.err);
        assert!(refused.err.contains(words), "{arguments:?}: {}", refused.err);
    }
}

fn copy_bundle(to: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/lung");
    std::fs::create_dir_all(to.join("known")).unwrap();
    for file in ["bundle.toml", "lung.onnx", "card.md", "training-set.csv"] {
        std::fs::copy(from.join(file), to.join(file)).unwrap();
    }
    for file in ["known/normal.png", "known/blines.png"] {
        std::fs::copy(from.join(file), to.join(file)).unwrap();
    }
}

/// Changes `bundle.toml` and puts the digest of the (changed) model into it.
fn edit(folder: &Path, change: impl Fn(String) -> String) {
    let path = folder.join("bundle.toml");
    let text = change(std::fs::read_to_string(&path).unwrap());
    std::fs::write(path, text).unwrap();
}

fn with_model(folder: &Path, model: &[u8]) {
    let old = sonolamp::bundle::sha256(&std::fs::read(folder.join("lung.onnx")).unwrap());
    std::fs::write(folder.join("lung.onnx"), model).unwrap();
    edit(folder, |text| text.replace(&old, &sonolamp::bundle::sha256(model)));
}

#[test]
fn a_wrong_bundle_is_refused_with_exit_code_4() {
    type Spoil = fn(&Path);
    let cases: [(&str, Spoil); 12] = [
        ("cannot be read", |f| std::fs::remove_file(f.join("bundle.toml")).unwrap()),
        ("unknown field `colour`", |f| edit(f, |t| format!("colour = 1\n{t}"))),
        ("missing field `version`", |f| edit(f, |t| t.replace("version = ", "#"))),
        ("`decision.refer` is 1.5", |f| {
            edit(f, |t| t.replace("[decision]\nrefer = ", "[decision]\nrefer = 1.5 # "));
        }),
        ("`input.preprocess` is 99", |f| {
            edit(f, |t| t.replace("preprocess = 2", "preprocess = 99"));
        }),
        ("outside its folder", |f| edit(f, |t| t.replace("\"card.md\"", "\"../card.md\""))),
        ("has the SHA-256", |f| std::fs::write(f.join("card.md"), b"changed").unwrap()),
        ("cannot be read", |f| std::fs::remove_file(f.join("lung.onnx")).unwrap()),
        ("cannot be loaded", |f| with_model(f, b"this is no ONNX file")),
        ("cannot be loaded", |f| {
            // An operator that nobody knows, in place of one of the same length.
            let model = std::fs::read(f.join("lung.onnx")).unwrap();
            let name = b"Flatten";
            let at = model.windows(name.len()).rposition(|w| w == name).unwrap();
            let mut odd = model;
            odd[at..at + name.len()].copy_from_slice(b"Strange");
            with_model(f, &odd);
        }),
        ("takes U8 [1, 1, 128, 128]", |f| edit(f, |t| t.replace("width = 128", "width = 64"))),
        ("the known answer is", |f| edit(f, |t| t.replace("scores = [-", "scores = [-9"))),
    ];
    for (words, spoil) in cases {
        let folder = tempfile::tempdir().unwrap();
        copy_bundle(folder.path());
        spoil(folder.path());
        let path = folder.path().to_str().unwrap();
        let result = run(&["bundle", "verify", path]);
        assert_eq!(result.code, 4, "{words}: {} {}", result.out, result.err);
        assert!(result.err.contains(words), "{words}: {}", result.err);
        assert!(result.err.contains(path) && result.err.contains("; "), "{}", result.err);
        assert_eq!(result.err.trim_end().lines().count(), 1, "{}", result.err);
        let screened = run(&["screen", "phantom:lung-normal", "--bundle", path]);
        assert_eq!(screened.code, 4);
    }
    let folder = tempfile::tempdir().unwrap();
    copy_bundle(folder.path());
    assert_eq!(run(&["bundle", "verify", folder.path().to_str().unwrap()]).code, 0);
    assert_eq!(run(&["bundle", "verify"]).code, 0);
}

#[test]
fn frames_writes_what_numpy_reads() {
    let folder = tempfile::tempdir().unwrap();
    let out: PathBuf = folder.path().join("made");
    let arguments = ["--seconds", "1", "--most", "5", "--out", out.to_str().unwrap()];
    let result = run(&[&["frames", "phantom:lung-normal"][..], &arguments].concat());
    assert_eq!(result.code, 0, "{}", result.err);
    let bytes = std::fs::read(out.join("0000.npy")).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert_eq!((10 + header) % 64, 0);
    assert!(String::from_utf8_lossy(&bytes[..10 + header]).contains("(5, 1, 128, 128)"));
    assert_eq!(bytes.len(), 10 + header + 5 * 128 * 128);
    let table = std::fs::read_to_string(out.join("frames.csv")).unwrap();
    assert_eq!(table.lines().count(), 6, "{table}");
}

/// The bytes of a NumPy file after its header, and the shape in it.
fn npy(path: &Path) -> (Vec<u8>, String) {
    let bytes = std::fs::read(path).unwrap();
    let head = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let shape = header.split_once("'shape': ").unwrap().1.split_once(", }").unwrap().0.to_owned();
    (bytes[head..].to_vec(), shape)
}

#[test]
fn frames_of_many_pictures_keep_their_numbers_and_boxes() {
    let pictures = phantom_pictures("phantom:lung-normal?fps=5&size=320x240", "1");
    let at = |name: &str| pictures.path().join(name).to_str().unwrap().to_owned();
    let list = at("list.txt");
    let names = [0, 1, 2].map(|i| at(&format!("0000-{i:04}-picture.png")));
    let lines = format!("{}\n{}\n\n{}\n", names[0], at("absent.png"), names[2]);
    std::fs::write(&list, lines).unwrap();
    let out = pictures.path().join("made");
    let common = ["frames", &names[1], "--list", &list, "--out", out.to_str().unwrap()];
    let each = run(&[&common[..], &["--jobs", "3", "--size", "64x48"]].concat());
    assert_eq!(each.code, 1, "{}", each.err);
    assert!(each.err.contains("absent.png: cannot be read"), "{}", each.err);
    assert!(!out.join("0002.npy").exists(), "its number stays free");
    let rows: Vec<Vec<String>> = csv::Reader::from_path(out.join("frames.csv"))
        .unwrap()
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect();
    let files: Vec<&str> = rows.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(files, ["0000.npy", "0001.npy", "0003.npy"]);
    assert_eq!((&rows[0][0], &rows[1][0], &rows[2][0]), (&names[1], &names[0], &names[2]));
    let geometry: Vec<u32> = rows[0][7..].iter().map(|cell| cell.parse().unwrap()).collect();
    let [width, height, left, top, right, bottom] = geometry[..] else { panic!("{geometry:?}") };
    assert_eq!((width, height), (320, 240));
    assert!(left < right && right <= width && top < bottom && bottom <= height, "{geometry:?}");
    let stacked = run(&[&common[..], &["--stack", "--size", "64x48"]].concat());
    assert_eq!(stacked.code, 1, "{}", stacked.err);
    let (all, shape) = npy(&out.join("all.npy"));
    assert_eq!(shape, "(3, 1, 48, 64)");
    let singles: Vec<u8> = files.iter().flat_map(|file| npy(&out.join(file)).0).collect();
    assert!(all == singles, "one file holds what three did");
}

#[test]
fn the_truth_of_phantoms_lies_in_the_tensors_cells() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let scenes = [
        "lung-normal",
        "breast-normal",
        "blank",
        "lung-blines",
        "lung-consolidation",
        "lung-effusion",
        "breast-cyst",
        "breast-mass",
    ];
    let specs = scenes.map(|scene| format!("phantom:{scene}?seed=3&fps=4"));
    let specs: Vec<&str> = specs.iter().map(String::as_str).collect();
    let arguments = ["--out", out, "--seconds", "1", "--truth"];
    let made = run(&[&["frames"], &specs[..], &arguments].concat());
    assert_eq!(made.code, 0, "{}", made.err);
    for (i, scene) in scenes.iter().enumerate() {
        let (truth, shape) = npy(&folder.path().join(format!("{i:04}-truth.npy")));
        let (tensors, tensor_shape) = npy(&folder.path().join(format!("{i:04}.npy")));
        assert_eq!((&shape, truth.len()), (&tensor_shape, tensors.len()), "{scene}");
        let covered = truth.iter().filter(|&&share| share > 127).count();
        if i < 3 {
            assert!(truth.iter().all(|&share| share == 0), "{scene}: {covered}");
            continue;
        }
        assert!((200..truth.len() / 2).contains(&covered), "{scene}: {covered}");
        let (first, last) = (&truth[..128 * 128], &truth[3 * 128 * 128..]);
        assert_ne!(first, last, "{scene} moves");
        if scene.starts_with("breast") {
            let mean = |inside: bool| {
                let cells = tensors.iter().zip(&truth).filter(|(_, t)| (**t > 127) == inside);
                let (sum, count) = cells.fold((0, 0), |(s, n), (&p, _)| (s + u32::from(p), n + 1));
                sum / count
            };
            assert!(mean(true) + 20 < mean(false), "{scene}: {} {}", mean(true), mean(false));
        }
    }
    let refused = run(&["frames", "clip.gif", "--truth", "--out", out]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("--truth: is not known of `clip.gif`"), "{}", refused.err);
}

fn assert_stages(report: &Value, names: &[&str]) {
    let stages = report["stages"].as_array().unwrap();
    assert_eq!(stages.iter().map(|stage| &stage["name"]).collect::<Vec<_>>(), names);
    for stage in stages {
        let [p50, p99] = ["p50_us", "p99_us"].map(|key| stage[key].as_f64().unwrap());
        assert!(p50 <= p99, "{stage}");
    }
    let share = report["share_not_inference"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&share), "{report}");
}

#[test]
fn bench_times_the_frame_path_and_says_what_computes() {
    let timed = run(&["bench", "--seconds", "0", "--json"]);
    assert_eq!(timed.code, 0, "{}", timed.err);
    let report = &json(&timed)[0];
    assert!(report["path"].as_str().unwrap().starts_with("int8, "), "{report}");
    let names = ["simulator", "sector", "resize", "inference", "screening", "frame"];
    assert_stages(report, &[&names[..], &["snapshot", "dashboard", "panel"]].concat());
    assert!(report["layers"].as_array().unwrap().len() > 30);
    for key in ["load_ms", "mega_macs", "frames_per_second", "first_verdict_ms", "memory_mb"] {
        assert!(report[key].as_f64().unwrap() > 0.0, "{key}: {report}");
    }
    let table = run(&["bench", "--seconds", "0", "--layers", "--isa", "scalar"]);
    assert!(table.code == 0 && table.out.contains("depthwise"), "{}", table.err);
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.onnx");
    std::fs::write(&broken, b"no network").unwrap();
    for (arguments, code, words) in [
        (vec!["bench", "--isa", "abacus"], 2, "choose stock, scalar"),
        (vec!["bench", "--frame", "h264:640x480"], 2, "mjpeg:1920x1080"),
        (vec!["bench", "--frame", "grey:8000x8000"], 2, "64x48 to 1920x1080"),
        (vec!["bench", "--seconds=-1"], 2, "--seconds: is no length of time"),
        (vec!["bench", "--onnx", "/absent.onnx"], 2, "/absent.onnx: cannot be read"),
        (vec!["bench", "--onnx", broken.to_str().unwrap()], 4, "cannot be loaded"),
    ] {
        let refused = run(&arguments);
        assert_eq!(refused.code, code, "{}", refused.err);
        assert!(refused.err.contains(words), "{}", refused.err);
    }
}

#[test]
fn bench_decodes_what_cameras_send() {
    for frame in ["mjpeg:1920x1080", "yuyv:640x480", "grey:160x120"] {
        let timed = run(&["bench", "--seconds", "0", "--json", "--frame", frame]);
        assert_eq!(timed.code, 0, "{}", timed.err);
        let report = &json(&timed)[0];
        assert_eq!(report["frame"], frame);
        let names = ["capture decode", "sector", "resize", "inference", "screening", "frame"];
        assert_stages(report, &[&names[..], &["snapshot", "dashboard", "panel"]].concat());
    }
    let table = run(&["bench", "--seconds", "0", "--frame", "mjpeg:640x480"]);
    assert!(table.out.contains("stage, mjpeg:640x480"), "{}", table.out);
    assert!(table.out.contains("of a frame's time is not inference"), "{}", table.out);
}

/// Answers every number with as many times of 5 ms.
const PEER: &str = r#"
echo "ready a shell"
while read -r runs && [ "$runs" -gt 0 ]; do
    times=
    while [ "$runs" -gt 0 ]; do times="$times 5000.0"; runs=$((runs - 1)); done
    echo $times
done"#;

#[test]
fn bench_compares_with_peers_by_turns() {
    let bench = ["bench", "--seconds", "0", "--against", PEER];
    let stock = format!("{} bench --worker --isa scalar", env!("CARGO_BIN_EXE_sonolamp"));
    let compared = run(&[&bench[..], &["--against", &stock, "--json"]].concat());
    assert_eq!(compared.code, 0, "{}", compared.err);
    let report = &json(&compared)[0];
    let peers = report["peers"].as_array().unwrap();
    assert_eq!((&peers[0]["command"], &peers[1]["command"]), (&PEER.into(), &stock.into()));
    assert_eq!((&peers[0]["words"], &peers[0]["p50_us"]), (&"a shell".into(), &5000.0.into()));
    assert!(peers[1]["words"].as_str().unwrap().ends_with("on scalar"), "{report}");
    let ours = report["inference"]["p50_us"].as_f64().unwrap();
    let ratio = peers[0]["ratio"].as_f64().unwrap();
    assert!((ratio - ours / 5000.0).abs() < 1e-9, "{report}");
    assert!(report["rounds"].as_u64().unwrap() >= 3 && report["mega_macs"].is_number());
    let table = run(&bench);
    assert_eq!(table.code, 0, "{}", table.err);
    assert!(table.out.contains("ours") && table.out.contains("a shell"), "{}", table.out);
}

#[test]
fn a_peer_that_fails_is_named_and_the_others_are_compared() {
    for (peer, words) in [
        ("no-such-program", "has ended (exit status: 127): sh:"),
        ("echo why >&2; exit 3", "has ended (exit status: 3): why"),
        ("echo hello", "says `hello` instead of `ready`"),
        ("echo ready; read n; echo 1 two 3", "says `1 two 3` instead of 3 times"),
        ("echo ready; read n; echo 1 2", "says `1 2` instead of 3 times"),
        ("echo ready; read n; echo 1 2 -3", "says `1 2 -3` instead of 3 times"),
        ("echo ready; read n; echo 9e3 9e3 9e3; read n", "has ended (exit status: 0)"),
        ("exec >&-; sleep 100", "has closed its stdout"),
        ("sleep 100", "says nothing for 1 s"),
        ("echo ready; sleep 100", "says nothing for 1 s"),
        ("yes", "says `y` instead of `ready`"),
        ("cat /dev/zero", "instead of `ready`"),
    ] {
        let arguments = ["bench", "--seconds", "0", "--patience", "1", "--json"];
        let result = run(&[&arguments[..], &["--against", peer, "--against", PEER]].concat());
        assert_eq!(result.code, 1, "{peer}: {} {}", result.out, result.err);
        assert_eq!(result.err.trim_end().lines().count(), 1, "{}", result.err);
        let named = result.err.contains(&format!("peer `{peer}`: ")) && result.err.contains("; ");
        assert!(named && result.err.contains(words), "{}", result.err);
        let peers = &json(&result)[0]["peers"];
        assert!(peers[0]["error"].as_str().unwrap().contains(words), "{peers}");
        assert!(peers[1]["ratio"].as_f64().is_some(), "{peers}");
    }
    // One that hangs is ended with all that it has started.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("process");
    let hangs = format!("sleep 100 & echo $! > {}; wait", file.display());
    run(&["bench", "--seconds", "0", "--patience", "1", "--against", &hangs]);
    let process = std::fs::read_to_string(file).unwrap();
    let ended = || {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", process.trim()));
        state.map_or(true, |state| state.contains(") Z "))
    };
    let started = std::time::Instant::now();
    while !ended() {
        assert!(started.elapsed().as_secs() < 10, "it lives");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let result = run(&["bench", "--layers", "--against", PEER]);
    assert_eq!(result.code, 2, "{}", result.err);
}

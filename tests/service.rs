//! The built program as a service: what it tells its manager, safe mode, and misfortunes on purpose.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

const PHANTOM: &str = "phantom:lung-normal?size=160x120";
const PATIENCE: Duration = Duration::from_secs(60);

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sonolamp"))
}

/// Ended with a test that fails.
struct Running(Child);

impl Running {
    fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What arrives within `time`, a word each.
fn told(manager: &UnixDatagram, time: Duration) -> Vec<String> {
    let deadline = Instant::now() + time;
    let (mut told, mut message) = (Vec::new(), [0; 4096]);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return told;
        }
        manager.set_read_timeout(Some(left.max(Duration::from_millis(1)))).unwrap();
        if let Ok(length) = manager.recv(&mut message) {
            told.push(String::from_utf8(message[..length].to_vec()).unwrap().trim().to_owned());
        }
    }
}

fn count(told: &[String], word: &str) -> usize {
    told.iter().filter(|said| said.starts_with(word)).count()
}

/// The program under a manager that waits two seconds for the next feeding.
fn managed(arguments: &[&str]) -> (Running, UnixDatagram, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    let child = program()
        .args(["run", "--headless"])
        .args(arguments)
        .env("NOTIFY_SOCKET", &socket)
        .env("WATCHDOG_USEC", "2000000")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (Running(child), manager, folder)
}

#[test]
fn the_watchdog_is_fed_as_long_as_frames_are_judged() {
    let (mut running, manager, _folder) = managed(&["--source", PHANTOM]);
    let said = told(&manager, Duration::from_secs(8));
    assert_eq!(count(&said, "READY=1"), 1, "{said:?}");
    assert!(count(&said, "STATUS=screening phantom") == 1, "{said:?}");
    // Every half second, on a machine that does much else.
    assert!(count(&said, "WATCHDOG=1") >= 8, "{said:?}");
    running.signal("-TERM");
    assert_eq!(running.end().code(), Some(0));
    let last = told(&manager, Duration::from_millis(200));
    assert_eq!(count(&last, "STOPPING=1"), 1, "{last:?}");
}

#[test]
fn a_camera_that_is_waited_for_feeds_it_too() {
    let (_running, manager, _folder) = managed(&["--source", "v4l2:/dev/no-such-camera"]);
    let said = told(&manager, Duration::from_secs(5));
    assert_eq!(count(&said, "READY=1"), 1, "{said:?}");
    assert!(said.iter().any(|said| said.contains("is absent")), "{said:?}");
    assert!(count(&said, "WATCHDOG=1") >= 5, "{said:?}");
}

#[test]
fn a_stuck_inference_ends_the_feed_although_the_program_lives() {
    let stuck = ["--source", PHANTOM, "--rehearse", "stuck-inference:3"];
    let (mut running, manager, _folder) = managed(&stuck);
    let before = told(&manager, Duration::from_secs(5));
    assert!(count(&before, "WATCHDOG=1") >= 2, "{before:?}");
    let after = told(&manager, Duration::from_secs(4));
    assert_eq!(after, Vec::<String>::new(), "who fed it?");
    assert!(running.0.try_wait().unwrap().is_none(), "it ended");
    // A signal still ends it, after the time for an orderly end.
    let asked = Instant::now();
    running.signal("-TERM");
    assert_eq!(running.end().code(), Some(143));
    assert!(asked.elapsed() < Duration::from_secs(15));
}

#[test]
fn a_thread_that_panics_ends_the_program_with_a_code_of_its_own() {
    let output = program()
        .args(["run", "--headless", "--source", PHANTOM, "--rehearse", "panic:1"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(101));
    assert!(String::from_utf8_lossy(&output.stderr).contains("rehearsed panic"));
}

#[test]
fn memory_that_runs_out_ends_the_program() {
    let binary = env!("CARGO_BIN_EXE_sonolamp");
    let script =
        "ulimit -v 1500000; exec \"$0\" run --headless --source \"$1\" --rehearse memory:1";
    let started = Instant::now();
    let output = Command::new("sh").args(["-c", script]).arg(binary).arg(PHANTOM).output().unwrap();
    assert!(!output.status.success(), "{:?}", output.status);
    assert!(String::from_utf8_lossy(&output.stderr).contains("memory allocation"));
    assert!(started.elapsed() < PATIENCE);
}

#[test]
fn nothing_goes_wrong_on_purpose_while_a_patient_may_be_seen() {
    let output = program()
        .args(["run", "--headless", "--source", "v4l2:/dev/video9", "--rehearse", "panic:1"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("SONOLAMP_REHEARSE"));
}

#[test]
fn the_journal_gets_levels_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    for journal in [true, false] {
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let file = log.metadata().unwrap();
        let stream = format!("{}:{}", file.dev(), file.ino() + u64::from(!journal));
        let status = program()
            .args(["run", "--headless", "--config", "/no/such/file.toml"])
            .env("JOURNAL_STREAM", stream)
            .stderr(log)
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(2));
        let said = std::fs::read_to_string(folder.path().join("log")).unwrap();
        let start = if journal { "<3>sonolamp: /no/such/file" } else { "sonolamp: /no/such/file" };
        assert!(said.starts_with(start), "{said}");
    }
}

/// Lines of JSON of a program in safe mode, as they come.
fn safe(config: &Path) -> (Running, mpsc::Receiver<Value>) {
    let mut child = program()
        .args(["run", "--headless", "--json", "--safe", "--config"])
        .arg(config)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = child.stdout.take().unwrap();
    let (send, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let _ = send.send(serde_json::from_str(&line).unwrap());
        }
    });
    (Running(child), lines)
}

#[test]
fn what_is_broken_is_said_and_picked_up_again_once_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("box.toml");
    let keys = folder.path().join("clinic.pub");
    let camera = "[source]\nuse = \"v4l2:/dev/no-such-camera\"\n";
    let store = format!("[store]\nfolder = \"/proc/exams\"\nkeys = \"{}\"\n", keys.display());
    let secret = folder.path().join("clinic.key");
    let (_, public, _) = output(&["exam", "keys", secret.to_str().unwrap()]);
    std::fs::write(&keys, public).unwrap();
    std::fs::create_dir(folder.path().join("bundle")).unwrap();
    let bundle = format!("[bundle]\npath = \"{}\"\n", folder.path().join("bundle").display());
    let broken = [
        (format!("{camera}stall_ms = 5\n"), "line 3: `source.stall_ms` is 5; allowed: 200"),
        ("[source]\nuse = v4l2\n".to_owned(), "line 2: "),
        (
            "[source]\nuse = \"phantom:lung-normal\"\n".to_owned(),
            "a demonstration; name the camera",
        ),
        (format!("{camera}{bundle}"), "bundle.toml: cannot be read"),
        (format!("{camera}{store}"), "/proc/exams: cannot be opened"),
        (format!("{camera}[buttons]\nstart = \"NO-SUCH-LINE\"\n"), "NO-SUCH-LINE"),
    ];
    let (first, _) = &broken[0];
    std::fs::write(&config, first).unwrap();
    let (mut running, lines) = safe(&config);
    for (text, words) in &broken {
        std::fs::write(&config, text).unwrap();
        let line = loop {
            let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(line["clear_lamp"], false, "{line}");
            assert_eq!(line["attention_lamp"], "blinking", "{line}");
            assert_eq!(line["fault_code"], "safe-mode", "{line}");
            if line["fault"].as_str().unwrap().contains(words) {
                break line;
            }
        };
        assert!(line["fault"].as_str().unwrap().starts_with("safe mode, nothing is screened: "));
        assert_eq!((&line["verdict"], &line["demonstration"]), (&Value::Null, &false.into()));
        assert!(running.0.try_wait().unwrap().is_none(), "{text}: it ended");
    }
    // Mended: it waits for its camera.
    std::fs::write(&config, camera).unwrap();
    loop {
        let line = lines.recv_timeout(PATIENCE).unwrap();
        if line["fault_code"] == "no-signal" {
            break;
        }
    }
    running.signal("-TERM");
    assert_eq!(running.end().code(), Some(3));
}

#[test]
fn safe_mode_ends_with_a_signal_and_the_code_of_its_trouble() {
    let (mut running, lines) = safe(Path::new("/no/such/file.toml"));
    let line = lines.recv_timeout(PATIENCE).unwrap();
    assert!(line["fault"].as_str().unwrap().contains("/no/such/file.toml: cannot be read"));
    running.signal("-TERM");
    assert_eq!(running.end().code(), Some(2));
}

/// Runs a script that mounts in a namespace of its own; none where this machine does not let us.
fn in_namespace(script: &str, arguments: &[&str]) -> Option<std::process::Output> {
    let allowed = Command::new("unshare").args(["-rm", "true"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no namespaces of one's own here");
        return None;
    }
    let binary = env!("CARGO_BIN_EXE_sonolamp");
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-euc", script]).arg(binary).args(arguments);
    Some(command.output().unwrap())
}

#[test]
fn a_full_disk_takes_the_exam_and_not_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=1m none \"$1\"
        \"$0\" exam keys \"$1/../clinic.key\" >\"$1/../clinic.pub\" 2>/dev/null
        printf '[store]\\nfolder = \"%s\"\\nkeys = \"%s\"\\nreserve_mb = 0\\n' \\
            \"$1\" \"$1/../clinic.pub\" >\"$1/../box.toml\"
        \"$0\" run --headless --json --config \"$1/../box.toml\" --seconds 12 \\
            --source phantom:lung-normal";
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let Some(output) = in_namespace(script, &[disk.to_str().unwrap()]) else { return };
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}");
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failed = lines.iter().position(|line| line["keeping"] == "failed");
    let failed = failed.unwrap_or_else(|| panic!("nothing failed: {out}"));
    assert!(lines[failed]["not_kept"].as_str().unwrap().contains("the exam store"), "{out}");
    // Screening goes on, and says so.
    let after = &lines[failed..];
    assert!(after.iter().any(|line| line["verdict"] == "clear"), "{out}");
    assert!(after.iter().all(|line| line["keeping"] != "kept"), "{out}");
}

#[test]
fn a_read_only_disk_is_safe_mode() {
    let folder = tempfile::tempdir().unwrap();
    let script = "mkdir \"$1/exams\"
        \"$0\" exam keys \"$1/clinic.key\" >\"$1/clinic.pub\" 2>/dev/null
        printf '[source]\\nuse = \"v4l2:/dev/none\"\\n[store]\\nfolder = \"%s\"\\nkeys = \"%s\"\\n' \\
            \"$1/exams\" \"$1/clinic.pub\" >\"$1/box.toml\"
        mount --bind \"$1\" \"$1\"; mount -o remount,ro,bind \"$1\"
        \"$0\" doctor --self-test --config \"$1/box.toml\" || echo \"code $?\"
        \"$0\" run --headless --json --safe --config \"$1/box.toml\" --seconds 2";
    let Some(output) = in_namespace(script, &[folder.path().to_str().unwrap()]) else { return };
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(5), "{out}");
    assert!(out.contains("is on a read-only file system") && out.contains("code 5"), "{out}");
    let fault: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert!(fault["fault"].as_str().unwrap().contains("read-only"), "{out}");
}

fn output(arguments: &[&str]) -> (i32, String, String) {
    let output = program().args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[test]
fn a_bundle_is_signed_installed_used_and_left_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let config = at("box.toml");
    let text =
        format!("[bundle]\nfolder = \"{}\"\ntrusted_keys = \"{}\"\n", at("on"), at("trusted"));
    std::fs::write(&config, text).unwrap();
    // Two versions of the built-in one.
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/lung");
    let manifest = std::fs::read_to_string(source.join("bundle.toml")).unwrap();
    let version = manifest.lines().find(|line| line.starts_with("version = ")).unwrap();
    for number in ["8.0.0", "8.1.0"] {
        let to = folder.path().join(number);
        std::fs::create_dir_all(to.join("known")).unwrap();
        for file in
            ["lung.onnx", "card.md", "training-set.csv", "known/blines.png", "known/normal.png"]
        {
            std::fs::copy(source.join(file), to.join(file)).unwrap();
        }
        let manifest = manifest.replacen(version, &format!("version = \"{number}\""), 1);
        std::fs::write(to.join("bundle.toml"), manifest).unwrap();
    }
    let install = |number: &str| output(&["bundle", "install", &at(number), "--config", &config]);
    let self_test = || {
        let (code, out, err) = output(&["doctor", "--self-test", "--json", "--config", &config]);
        let report: Value =
            serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{err}"));
        (code, report["findings"].to_string())
    };
    let (code, _, err) = install("8.0.0");
    assert!(code == 2 && err.contains("trusted: cannot be read"), "{err}");
    let (code, public, _) = output(&["bundle", "key", &at("secret"), "--owner", "Clinic A"]);
    assert_eq!(code, 0);
    std::fs::write(at("trusted"), public).unwrap();
    let (code, _, err) = install("8.0.0");
    assert!(code == 4 && err.contains("bundle.sig: is absent"), "{err}");
    for number in ["8.0.0", "8.1.0"] {
        let (code, _, err) = output(&["bundle", "sign", &at(number), "--key", &at("secret")]);
        assert_eq!(code, 0, "{err}");
    }
    let (_, said) = self_test();
    assert!(!said.contains("lung 8."), "nothing is installed yet: {said}");
    for number in ["8.0.0", "8.1.0"] {
        let (code, out, err) = install(number);
        assert_eq!(code, 0, "{err}");
        assert!(out.contains(&format!("lung {number} is installed, signed by Clinic A")), "{out}");
        let (code, said) = self_test();
        assert!(code == 0 && said.contains(&format!("lung {number}")), "{said}");
        assert!(said.contains("of Clinic A"), "{said}");
    }
    let (code, _, err) = install("8.0.0");
    assert!(code == 4 && err.contains("older than 8.1.0"), "{err}");
    let (code, out, err) = output(&["bundle", "rollback", "--config", &config]);
    assert!(code == 0 && out.contains("lung 8.0.0 is in use again"), "{out}{err}");
    assert!(self_test().1.contains("lung 8.0.0"));
    // A copy on the box that was changed is refused, and how to go back is said.
    std::fs::write(folder.path().join("on/current/card.md"), "changed").unwrap();
    let (code, said) = self_test();
    assert!(code == 4 && said.contains("bundle rollback"), "{said}");
    let (code, _, _) = output(&["bundle", "rollback", "--config", &config]);
    assert_eq!((code, self_test().0), (0, 0));
    // Somebody else's key.
    let (_, other, _) = output(&["bundle", "key", &at("other"), "--owner", "Clinic B"]);
    std::fs::write(at("trusted"), other).unwrap();
    let (code, _, err) = install("8.1.0");
    assert!(code == 4 && err.contains("of no trusted key"), "{err}");
    let (code, said) = self_test();
    assert!(code == 4 && said.contains("of no trusted key"), "{said}");
    // Nor is it run; the built-in one is, which needs no key.
    let run = || output(&["run", "--headless", "--seconds", "1", "--config", &config]);
    let (code, out, err) = run();
    assert!(code == 4 && err.contains("of no trusted key"), "{out}{err}");
    let (code, out, err) = output(&["bundle", "rollback", "--built-in", "--config", &config]);
    assert!(code == 0 && out.contains("is in use again"), "{out}{err}");
    let (code, _, err) = run();
    assert_eq!(code, 0, "{err}");
    assert!(!self_test().1.contains("lung 8."));
}

#[test]
fn dark_reaches_for_the_lamps_that_the_configuration_names() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("box.toml");
    let path = config.to_str().unwrap();
    let lamps = "[lamps]\ndriver = \"gpiochip\"\nchip = \"/dev/gpiochip-none\"\nrefer = 1\nclear = 2\n\
                 attention = 3\nheartbeat = 4\n";
    for (text, code, words) in [
        ("", 0, ""),
        (lamps, 3, "/dev/gpiochip-none"),
        // What else is wrong does not keep it from the lamps.
        (&format!("{lamps}[source]\nuse = \"nothing\"\n"), 3, "/dev/gpiochip-none"),
    ] {
        std::fs::write(&config, text).unwrap();
        let (ended, _, err) = output(&["dark", "--config", path]);
        assert!(ended == code && err.contains(words), "{text}: {ended} {err}");
    }
}

#[test]
fn the_self_test_needs_no_camera_and_says_what_is_wrong_with_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("box.toml");
    let root = folder.path().to_str().unwrap();
    std::fs::write(&config, "[source]\nuse = \"v4l2:/dev/none\"\n").unwrap();
    let arguments = ["doctor", "--self-test", "--root", root, "--config", config.to_str().unwrap()];
    let started = Instant::now();
    let (code, out, err) = output(&arguments);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("phantom frames judged"), "{out}");
    assert!(started.elapsed() < Duration::from_secs(20));
    std::fs::write(&config, "[source]\n\nstall_ms = 1\n").unwrap();
    let (code, out, _) = output(&arguments);
    assert_eq!(code, 2);
    assert!(out.contains("line 3: `source.stall_ms` is 1"), "{out}");
}

#[test]
fn the_manual_has_a_page_for_each_verb_and_completions_for_three_shells() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = output(&["manual", folder.path().to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    for name in ["sonolamp.1", "sonolamp-run.1", "sonolamp-bundle-install.1", "sonolamp-doctor.1"] {
        let mut text = String::new();
        let page = std::fs::File::open(folder.path().join(name));
        page.unwrap().read_to_string(&mut text).unwrap();
        assert!(text.contains(".TH sonolamp") && text.contains(".SH"), "{name}: {text}");
        assert!(!text.contains("rehearse"), "hidden things stay hidden");
    }
    for name in ["sonolamp.bash", "_sonolamp", "sonolamp.fish"] {
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(text.contains("self-test"), "{name}");
    }
}

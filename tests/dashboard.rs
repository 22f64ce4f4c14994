//! A whole exam in a real terminal: tmux runs the built program, keys go in, words come out.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::Command;
use std::time::{Duration, Instant};

/// Generous: a loaded machine simulates slowly.
const PATIENCE: Duration = Duration::from_secs(120);

/// A terminal of its own with a shell in it; gone when dropped.
struct Terminal {
    socket: String,
}

impl Terminal {
    /// `None` where there is no tmux.
    fn open(size: (u16, u16)) -> Option<Terminal> {
        let found = Command::new("tmux").arg("-V").output().is_ok_and(|o| o.status.success());
        if !found {
            eprintln!("skipped: tmux is not there; deploy/setup.sh installs it");
            return None;
        }
        let socket = format!("sonolamp-test-{}-{}", std::process::id(), size.0);
        let terminal = Terminal { socket };
        let (columns, rows) = (size.0.to_string(), size.1.to_string());
        let shell = "env -u NO_COLOR LC_ALL=C.UTF-8 PS1='ready> ' sh";
        terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            &rows,
            shell,
        ]);
        Some(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux").args(["-L", &self.socket]).args(arguments).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Waits until all of `words` stand on the screen.
    fn until(&self, what: &str, words: &[&str]) -> String {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if words.iter().all(|word| screen.contains(word)) {
                return screen;
            }
            assert!(start.elapsed() < PATIENCE, "{what}: no {words:?} on\n{screen}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// Whether the large word can be drawn in block letters, the plain word stands in the log.
fn walk(size: (u16, u16)) {
    let Some(terminal) = Terminal::open(size) else { return };
    terminal.until("a shell", &["ready>"]);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("box.toml");
    std::fs::write(&config, "[exam]\nauto_start = false\n[watch]\nsocket = \"none\"\n").unwrap();
    let program = env!("CARGO_BIN_EXE_sonolamp");
    let source = "phantom:lung-blines?seed=8";
    let command = format!("{program} run --config {} --source '{source}'", config.display());
    terminal.keys(&["-l", &command]);
    terminal.keys(&["Enter"]);

    // Nothing is judged before someone asks for it; the screen says how.
    let idle = terminal.until("the dashboard", &["DEMO", "start exam", "Live", "Help"]);
    assert!(idle.contains("no exam yet"), "{idle}");
    terminal.keys(&["Space"]);
    terminal.until("an exam", &["exam 1 scanning", "hold"]);
    terminal.until("a verdict", &["refer"]);
    let referred = terminal.until("the verdict in the log", &["s  refer"]);
    assert!(!referred.contains("CLEAR"), "{referred}");
    terminal.keys(&["Space"]);
    terminal.until("a held exam", &["exam 1 held", "end exam"]);

    terminal.keys(&["r"]);
    terminal.until("review", &["s ago", "telling"]);
    terminal.keys(&["Left"]);
    terminal.until("a frame back", &["s ago"]);
    terminal.keys(&["t"]);
    terminal.keys(&["3"]);
    terminal.until("exams", &["verdict", "refer", "held", "review"]);
    terminal.keys(&["4"]);
    terminal.until("the device", &["storage", "licence", "thresholds"]);
    terminal.keys(&["5"]);
    terminal.until("help", &["Put the probe on with gel", "REFER"]);
    terminal.keys(&["Escape"]);
    terminal.until("live again", &["exam 1 held"]);
    terminal.keys(&["l"]);
    terminal.until("large letters", &["normal"]);
    terminal.keys(&["l"]);
    terminal.until("normal letters", &["large"]);

    // The next patient starts from nothing.
    terminal.keys(&["Space"]);
    terminal.until("the end of the exam", &["exam 1 ended"]);
    terminal.keys(&["Space"]);
    terminal.until("the next exam", &["exam 2 scanning"]);
    terminal.keys(&["q"]);
    let after = terminal.until("the shell again", &["ready>"]);
    assert!(!after.contains("exam 2"), "the screen is the shell's again:\n{after}");
    terminal.keys(&["-l", "echo left with $?"]);
    terminal.keys(&["Enter"]);
    terminal.until("the exit code", &["left with 0"]);
}

#[test]
fn a_whole_exam_on_a_small_terminal() {
    walk((80, 24));
}

#[test]
fn a_whole_exam_on_a_large_terminal() {
    walk((120, 40));
}

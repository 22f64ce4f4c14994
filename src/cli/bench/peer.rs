//! A peer: another program that times a network, told how often over its stdin.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::error::{Error, ErrorKind, plain_words};

/// What a peer may say in one line.
const LONGEST_LINE: u64 = 1 << 20;
/// How long a peer that has closed its stdout may take to end and to say why.
const FAREWELL: Duration = Duration::from_secs(1);

pub struct Peer {
    command: String,
    /// What it says about itself.
    pub words: String,
    patience: Duration,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    last_words: Receiver<String>,
}

impl Peer {
    /// Starts a shell command and waits until it is ready.
    pub fn start(command: &str, patience: Duration) -> Result<Peer, Error> {
        let mut child = Command::new("sh")
            .args(["-c", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|e| {
                let problem = format!("cannot be started ({})", plain_words(&e));
                unusable(command, problem, "see that there is a shell, `sh`")
            })?;
        let (send, lines) = mpsc::sync_channel(1);
        let (send_last, last_words) = mpsc::sync_channel(1);
        // They end with the pipes and are not waited for: a grandchild may keep those open.
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || lines_of(stdout).try_for_each(|line| send.send(line)));
        }
        if let Some(stderr) = child.stderr.take() {
            std::thread::spawn(move || {
                let last = lines_of(stderr).filter(|line| !line.is_empty()).last();
                last.map(|words| send_last.send(words))
            });
        }
        let stdin = child.stdin.take();
        let (command, words) = (command.to_owned(), String::new());
        let mut peer = Peer { command, words, patience, child, stdin, lines, last_words };
        let line = peer.line()?;
        let Some(words) = line.strip_prefix("ready") else {
            return Err(peer.nonsense(&line, "`ready`"));
        };
        peer.words = words.trim().to_owned();
        Ok(peer)
    }

    /// Microseconds of so many runs.
    pub fn turn(&mut self, runs: usize) -> Result<Vec<f64>, Error> {
        // One that has ended cannot be written to; its stdout tells, and `line` says why.
        let _ = self.stdin.as_mut().map(|stdin| writeln!(stdin, "{runs}"));
        let line = self.line()?;
        let times: Option<Vec<f64>> = line
            .split_whitespace()
            .map(|word| word.parse().ok().filter(|t: &f64| t.is_finite() && *t > 0.0))
            .collect();
        times
            .filter(|times| times.len() == runs)
            .ok_or_else(|| self.nonsense(&line, &format!("{runs} times in microseconds")))
    }

    fn line(&mut self) -> Result<String, Error> {
        match self.lines.recv_timeout(self.patience) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => {
                let problem = format!("says nothing for {} s", self.patience.as_secs_f64());
                let remedy = "give it longer with --patience, or see what it waits for";
                Err(unusable(&self.command, problem, remedy))
            }
            Err(RecvTimeoutError::Disconnected) => {
                let closed = "has closed its stdout".to_owned();
                let problem = self.ended().map_or(closed, |status| format!("has ended ({status})"));
                let words = self.last_words.recv_timeout(FAREWELL).unwrap_or_default();
                let words = if words.is_empty() { words } else { format!(": {}", short(&words)) };
                let remedy = "run it by itself: it must print `ready` and wait for numbers";
                Err(unusable(&self.command, problem + &words, remedy))
            }
        }
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        let start = Instant::now();
        while start.elapsed() < FAREWELL {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                outcome => return outcome.ok().flatten(),
            }
        }
        None
    }

    fn nonsense(&self, line: &str, instead: &str) -> Error {
        let problem = format!("says `{}` instead of {instead}", short(line));
        unusable(&self.command, problem, "see `sonolamp bench --help` for what a peer must say")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // A peer keeps nothing that an orderly end would save.
        // The shell's own children are ended with it: one that hangs would disturb what follows.
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        let _ = self.child.wait();
    }
}

fn unusable(command: &str, problem: String, remedy: &str) -> Error {
    Error::new(ErrorKind::Input, format!("peer `{command}`"), problem, remedy)
}

fn short(words: &str) -> String {
    let start: String = words.chars().take(200).collect();
    if start.len() < words.len() { start + "…" } else { start }
}

/// Lines until the end, the first that is too long, or an error.
fn lines_of(stream: impl Read) -> impl Iterator<Item = String> {
    let mut stream = BufReader::new(stream);
    let mut ended = false;
    std::iter::from_fn(move || {
        let mut line = Vec::new();
        let read = (&mut stream).take(LONGEST_LINE).read_until(b'\n', &mut line);
        if ended || read.is_err() || line.is_empty() {
            return None;
        }
        ended = line.len() as u64 == LONGEST_LINE;
        Some(String::from_utf8_lossy(&line).trim().to_owned())
    })
}

//! Any other video, decoded by an `ffmpeg` child process that writes Y4M into a pipe.
//!
//! Only the luma plane is used, as it is stored: neither fields nor tall pixels are converted.
//! Frames come at the clip's constant rate; the child is killed when the source is dropped. Files
//! are opened with the `file:` protocol only, so a playlist cannot reach the network.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use super::unusable;
use crate::capture::FrameSource;
use crate::capture::y4m::{Step, Y4m};
use crate::error::{Error, ErrorKind};
use crate::frame::Frame;

/// Planar formats that Y4M carries without conversion; ffmpeg converts anything else to the nearest.
const FORMATS: &str = "format=yuv420p|yuvj420p|yuv422p|yuvj422p|yuv444p|yuvj444p";

pub struct Video {
    path: PathBuf,
    child: Child,
    frames: Y4m<BufReader<ChildStdout>>,
    complaints: Option<JoinHandle<String>>,
    sequence: u64,
    ended: bool,
}

impl Video {
    pub fn open(path: &Path) -> Result<Video, Error> {
        let mut argument = std::ffi::OsString::from("file:");
        argument.push(path);
        let mut child = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe", "-i"])
            .arg(argument)
            .args(["-map", "0:v:0", "-vf", FORMATS, "-f", "yuv4mpegpipe", "-"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| no_ffmpeg(path, &e))?;
        // Read aside, or a chatty ffmpeg would fill the pipe and stop.
        let complaints = child.stderr.take().map(|mut stderr| {
            std::thread::spawn(move || {
                let mut text = String::new();
                let _ = stderr.read_to_string(&mut text);
                text
            })
        });
        let Some(stdout) = child.stdout.take() else {
            return Err(unusable(path, "cannot be read through ffmpeg", "try again"));
        };
        match Y4m::open(BufReader::new(stdout)) {
            Ok(frames) => Ok(Video {
                path: path.to_owned(),
                child,
                frames,
                complaints,
                sequence: 0,
                ended: false,
            }),
            Err(problem) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(undecodable(path, complaints, &problem))
            }
        }
    }

    /// The child is done: its exit status and words decide whether the clip is whole.
    fn finish(&mut self) -> Result<bool, Error> {
        self.ended = true;
        let succeeded = self.child.wait().is_ok_and(|status| status.success());
        if succeeded && self.sequence > 0 {
            return Ok(false);
        }
        Err(undecodable(&self.path, self.complaints.take(), "no frames"))
    }
}

impl FrameSource for Video {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        if self.ended {
            return Ok(false);
        }
        match self.frames.read(&mut frame.luma) {
            Ok(Step::Frame) => {}
            _ => return self.finish(),
        }
        (frame.width, frame.height) = (self.frames.header.width, self.frames.header.height);
        frame.sequence = self.sequence;
        frame.timestamp = self.frames.header.interval * self.sequence as u32;
        self.sequence += 1;
        Ok(true)
    }

    fn is_live(&self) -> bool {
        false
    }
}

impl Drop for Video {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn no_ffmpeg(path: &Path, error: &std::io::Error) -> Error {
    let (problem, remedy) = if error.kind() == std::io::ErrorKind::NotFound {
        ("is a video, and ffmpeg is not installed".to_owned(), "run: sudo apt install ffmpeg")
    } else {
        (format!("needs ffmpeg, which does not start ({error})"), "reinstall ffmpeg")
    };
    Error::new(ErrorKind::Input, path.display().to_string(), problem, remedy)
}

/// ffmpeg's last words, or else `ours`, say why.
fn undecodable(path: &Path, complaints: Option<JoinHandle<String>>, ours: &str) -> Error {
    let words = complaints.and_then(|thread| thread.join().ok()).unwrap_or_default();
    let last = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or(ours);
    let problem = format!("cannot be decoded (ffmpeg: {})", last.trim());
    unusable(path, &problem, "copy or export the clip again")
}

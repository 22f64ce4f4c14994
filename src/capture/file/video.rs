//! Any other video, decoded by an `ffmpeg` child process that writes Y4M into a pipe.
//!
//! Only the luma plane is used. Frames come at the clip's constant rate; the child is killed
//! when the source is dropped. Files are opened with the `file:` protocol only, so a playlist
//! cannot reach the network.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use y4m::{Colorspace, Decoder};

use super::{check_size, unusable};
use crate::capture::FrameSource;
use crate::error::{Error, ErrorKind};
use crate::frame::{Frame, full_range};

/// Planar formats that Y4M carries without conversion; ffmpeg converts anything else to the nearest.
const FORMATS: &str = "format=yuv420p|yuvj420p|yuv422p|yuvj422p|yuv444p|yuvj444p";
const FRAME_LIMIT: usize = 3 * 4096 * 4096;

pub struct Video {
    path: PathBuf,
    child: Child,
    decoder: Decoder<BufReader<ChildStdout>>,
    complaints: Option<JoinHandle<String>>,
    full: bool,
    interval: Duration,
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
        let limits = y4m::Limits { bytes: FRAME_LIMIT };
        match Decoder::new_with_limits(BufReader::new(stdout), limits) {
            Ok(decoder) => Video::started(path, child, decoder, complaints),
            Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(undecodable(path, complaints))
            }
        }
    }

    fn started(
        path: &Path,
        mut child: Child,
        decoder: Decoder<BufReader<ChildStdout>>,
        complaints: Option<JoinHandle<String>>,
    ) -> Result<Video, Error> {
        let (width, height) = (decoder.get_width(), decoder.get_height());
        let checked = check_size(path, width as u32, height as u32);
        if let Err(error) = checked {
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
        let params = decoder.get_raw_params();
        let full = params.windows(17).any(|w| w == b"XCOLORRANGE=FULL ") // not the last one
            || params.ends_with(b"XCOLORRANGE=FULL")
            || matches!(decoder.get_colorspace(), Colorspace::Cmono);
        let rate = decoder.get_framerate();
        let interval = Duration::from_secs_f64(rate.den.max(1) as f64 / rate.num.max(1) as f64);
        Ok(Video {
            path: path.to_owned(),
            child,
            full,
            interval,
            decoder,
            complaints,
            sequence: 0,
            ended: false,
        })
    }

    /// The child is done: its exit status and words decide whether the clip is whole.
    fn finish(&mut self) -> Result<bool, Error> {
        self.ended = true;
        let succeeded = self.child.wait().is_ok_and(|status| status.success());
        if succeeded && self.sequence > 0 {
            return Ok(false);
        }
        Err(undecodable(&self.path, self.complaints.take()))
    }
}

impl FrameSource for Video {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        if self.ended {
            return Ok(false);
        }
        let (width, height) = (self.decoder.get_width() as u32, self.decoder.get_height() as u32);
        let Ok(picture) = self.decoder.read_frame() else {
            return self.finish();
        };
        frame.resize(width, height);
        frame.luma.copy_from_slice(picture.get_y_plane());
        if !self.full {
            let expand: [u8; 256] = std::array::from_fn(|y| full_range(y as u8));
            frame.luma.iter_mut().for_each(|p| *p = expand[usize::from(*p)]);
        }
        frame.sequence = self.sequence;
        frame.timestamp = self.interval * self.sequence as u32;
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

fn undecodable(path: &Path, complaints: Option<JoinHandle<String>>) -> Error {
    let words = complaints.and_then(|thread| thread.join().ok()).unwrap_or_default();
    let last = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no frames");
    let problem = format!("cannot be decoded (ffmpeg: {})", last.trim());
    unusable(path, &problem, "copy or export the clip again")
}

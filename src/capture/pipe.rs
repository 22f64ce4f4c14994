//! Video that another program writes: Y4M or MJPEG on standard input, or through a FIFO.
//!
//! Cameras that plain V4L2 does not serve well come in this way (`deploy/cameras.md`). Live, a
//! pipe stands for a camera and only its newest frame counts ([`Live`]). A clip to be screened is
//! read whole at its own rate ([`Recorded`]), and one damaged frame spoils it, as with files.

mod input;
mod live;
mod mjpeg;
mod stream;

use std::sync::Arc;

use self::input::Input;
pub use self::live::Live;
use self::stream::{Decoder, Failure, Stream};
use super::FrameSource;
use super::y4m::Step;
use crate::error::{Error, ErrorKind, plain_words};
use crate::frame::Frame;

/// A stream from its first frame to its last, however fast it comes.
pub struct Recorded {
    name: String,
    stream: Stream<Input>,
    decoder: Decoder,
    raw: Vec<u8>,
    sequence: u64,
}

impl Recorded {
    /// Opens `path`, where `-` is standard input, and waits for the first bytes.
    pub fn open(path: &str) -> Result<Recorded, Error> {
        let name = format!("pipe:{path}");
        let (input, _) = Input::open(path, Arc::default())?;
        let stream = Stream::open(input).map_err(|e| failed(&name, e))?;
        Ok(Recorded { name, decoder: stream.decoder(), stream, raw: Vec::new(), sequence: 0 })
    }

    fn damaged(&self, problem: &str) -> Error {
        let problem = format!("is damaged at frame {} ({problem})", self.sequence + 1);
        let remedy = "let the writing program finish, and send the clip again";
        Error::new(ErrorKind::Input, &self.name, problem, remedy)
    }
}

impl FrameSource for Recorded {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        match self.stream.read(&mut self.raw).map_err(|e| failed(&self.name, e))? {
            Step::End if self.sequence == 0 => return Err(never_came(&self.name)),
            Step::End => return Ok(false),
            Step::Damaged => return Err(self.damaged("not a whole frame")),
            Step::Frame => {}
        }
        self.decoder.decode(&mut self.raw, frame).map_err(|problem| self.damaged(&problem))?;
        frame.sequence = self.sequence;
        frame.timestamp = self.stream.interval() * self.sequence as u32;
        self.sequence += 1;
        Ok(true)
    }

    fn is_live(&self) -> bool {
        false
    }
}

/// Whether a live pipe could be read from `path`; reads nothing.
pub fn check(path: &str) -> Result<(), Error> {
    Live::open_input(path, Arc::default()).map(drop)
}

fn failed(name: &str, failure: Failure) -> Error {
    match failure {
        Failure::Empty => never_came(name),
        Failure::Format(problem) => Error::new(
            ErrorKind::Input,
            name,
            format!("is neither Y4M nor MJPEG: {problem}"),
            "let the writing program make one of them (rpicam-vid --codec mjpeg; \
             ffmpeg -f yuv4mpegpipe -pix_fmt yuv420p; gst-launch-1.0 … ! jpegenc ! fdsink)",
        ),
        Failure::Io(error) => {
            let problem = format!("cannot be read ({})", plain_words(&error));
            Error::new(ErrorKind::Device, name, problem, "start the writing program again")
        }
    }
}

fn never_came(name: &str) -> Error {
    let problem = "ended before a whole frame came";
    let remedy = "look at what the writing program says, and start it again";
    Error::new(ErrorKind::Device, name, problem, remedy)
}

#[cfg(test)]
mod tests;

//! A camera without a camera: buffers as a driver fills them, in turn and for ever.
//!
//! For measuring: the frames come out of the very code that reads a device's.

use std::time::Duration;

use v4l::format::FieldOrder;
use v4l::{Format, FourCC};

use super::decoder::Decoder;
use super::layout::Layout;
use crate::capture::FrameSource;
use crate::error::{Error, ErrorKind};
use crate::frame::Frame;

const FRAMES_PER_SECOND: u64 = 25;

pub struct Replay {
    decoder: Decoder,
    buffers: Vec<Vec<u8>>,
    sequence: u64,
}

impl Replay {
    /// Buffers of a V4L2 format code and a size in pixels.
    pub fn new(
        code: [u8; 4],
        (width, height): (u32, u32),
        buffers: Vec<Vec<u8>>,
    ) -> Result<Replay, Error> {
        let format = Format::new(width, height, FourCC::new(&code));
        let layout = Layout::new(&format, None).map_err(broken)?;
        Ok(Replay { decoder: Decoder::new(layout, None), buffers, sequence: 0 })
    }
}

impl FrameSource for Replay {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        let Some(at) = self.sequence.checked_rem(self.buffers.len() as u64) else {
            return Ok(false);
        };
        let field = FieldOrder::Progressive as u32;
        self.decoder
            .decode(field, &self.buffers[at as usize], frame)
            .map_err(|flaw| broken(format!("cannot be read ({flaw:?})")))?;
        frame.sequence = self.sequence;
        frame.timestamp = Duration::from_micros(self.sequence * 1_000_000 / FRAMES_PER_SECOND);
        self.sequence += 1;
        Ok(true)
    }

    fn is_live(&self) -> bool {
        false
    }
}

fn broken(problem: String) -> Error {
    Error::new(ErrorKind::Input, "a buffer to replay", problem, "choose another format and size")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_in_turn_at_25_frames_a_second_and_short_ones_are_refused() {
        let (black, white) = (vec![16; 2 * 64 * 48], vec![235; 2 * 64 * 48]);
        let mut replay = Replay::new(*b"YUYV", (64, 48), vec![black, white]).unwrap();
        let mut frame = Frame::default();
        let mut seen = Vec::new();
        for _ in 0..3 {
            assert!(replay.next(&mut frame).unwrap());
            seen.push((frame.sequence, frame.timestamp.as_millis(), frame.luma[100]));
        }
        assert_eq!(seen, [(0, 0, 0), (1, 40, 255), (2, 80, 0)]);
        assert!(!Replay::new(*b"GREY", (64, 48), vec![]).unwrap().next(&mut frame).unwrap());
        let mut short = Replay::new(*b"GREY", (64, 48), vec![vec![0; 9]]).unwrap();
        assert!(short.next(&mut frame).unwrap_err().to_string().contains("Short"));
        assert!(Replay::new(*b"H264", (64, 48), vec![]).is_err());
    }
}

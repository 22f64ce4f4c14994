//! JPEG pictures one after the other ("MJPEG"), told apart by their own structure.
//!
//! A picture runs through its segments, whose lengths are followed, and through the entropy-coded
//! data of each scan to its end-of-image marker (ITU-T T.81, B.1.1): an embedded thumbnail or a
//! comment with 0xff 0xd9 inside ends nothing.

use std::io::{self, BufRead, Read};

use crate::capture::y4m::Step;

/// Largest picture, and most bytes between two of them.
pub const SIZE_LIMIT: usize = 16 << 20;

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;

/// Cuts a stream into pictures.
pub struct Splitter<R> {
    reader: R,
    /// The start of a picture was met inside a broken one, and has been read.
    started: bool,
}

/// How one picture went.
enum Run {
    Whole,
    /// Something that cannot stand there.
    Broken,
    /// Another picture starts in the middle.
    Restarted,
}

impl<R: BufRead> Splitter<R> {
    pub fn new(reader: R) -> Splitter<R> {
        Splitter { reader, started: false }
    }

    /// Reads the next picture into `jpeg`; what lies between pictures is skipped.
    ///
    /// Fails when the stream does, or when it holds no picture for [`SIZE_LIMIT`] bytes.
    pub fn read(&mut self, jpeg: &mut Vec<u8>) -> io::Result<Step> {
        if !std::mem::take(&mut self.started) && !self.find_start()? {
            return Ok(Step::End);
        }
        jpeg.clear();
        jpeg.extend([0xff, SOI]);
        match self.follow(jpeg) {
            Ok(Run::Whole) => Ok(Step::Frame),
            Ok(Run::Broken) => Ok(Step::Damaged),
            Ok(Run::Restarted) => {
                self.started = true;
                Ok(Step::Damaged)
            }
            // The next reading finds the end again, with nothing before it.
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(Step::Damaged),
            Err(e) => Err(e),
        }
    }

    /// Skips to the first start-of-image marker, and past it; `false` at the end of the stream.
    fn find_start(&mut self) -> io::Result<bool> {
        let (mut last, mut skipped) = (0, 0);
        while skipped < SIZE_LIMIT {
            let seen = self.reader.fill_buf()?;
            if seen.is_empty() {
                return Ok(false);
            }
            let mut start = None;
            for (i, &byte) in seen.iter().enumerate() {
                if last == 0xff && byte == SOI {
                    start = Some(i + 1);
                    break;
                }
                last = byte;
            }
            let used = start.unwrap_or(seen.len());
            self.reader.consume(used);
            if start.is_some() {
                return Ok(true);
            }
            skipped += used;
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "no JPEG picture where one should be"))
    }

    /// Copies segment after segment, and scans with their data, up to the end of the picture.
    fn follow(&mut self, jpeg: &mut Vec<u8>) -> io::Result<Run> {
        let mut marker = self.marker(jpeg)?;
        loop {
            if jpeg.len() > SIZE_LIMIT {
                return Ok(Run::Broken);
            }
            match marker {
                Some(EOI) => return Ok(Run::Whole),
                Some(SOI) => return Ok(Run::Restarted),
                // TEM and restart markers stand alone.
                Some(0x01 | 0xd0..=0xd7) => marker = self.marker(jpeg)?,
                None | Some(0x00) => return Ok(Run::Broken),
                Some(other) => {
                    if !self.segment(jpeg)? {
                        return Ok(Run::Broken);
                    }
                    marker = if other == SOS { self.entropy(jpeg)? } else { self.marker(jpeg)? };
                }
            }
        }
    }

    /// The second byte of a marker; `None` where there is none.
    fn marker(&mut self, jpeg: &mut Vec<u8>) -> io::Result<Option<u8>> {
        if self.byte(jpeg)? != 0xff {
            return Ok(None);
        }
        self.after_ff(jpeg)
    }

    /// Skips fill bytes (more of 0xff) before the second byte of a marker.
    fn after_ff(&mut self, jpeg: &mut Vec<u8>) -> io::Result<Option<u8>> {
        while jpeg.len() <= SIZE_LIMIT {
            match self.byte(jpeg)? {
                0xff => {}
                code => return Ok(Some(code)),
            }
        }
        Ok(None)
    }

    /// Copies a segment: its length, which counts itself, and its content.
    fn segment(&mut self, jpeg: &mut Vec<u8>) -> io::Result<bool> {
        let length = u16::from_be_bytes([self.byte(jpeg)?, self.byte(jpeg)?]);
        let Some(content) = u64::from(length).checked_sub(2) else { return Ok(false) };
        if (&mut self.reader).take(content).read_to_end(jpeg)? as u64 == content {
            return Ok(true);
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    /// Copies entropy-coded data and returns the marker behind them.
    fn entropy(&mut self, jpeg: &mut Vec<u8>) -> io::Result<Option<u8>> {
        while jpeg.len() <= SIZE_LIMIT {
            let seen = self.reader.fill_buf()?;
            if seen.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let plain = seen.iter().position(|&byte| byte == 0xff);
            let used = plain.map_or(seen.len(), |at| at + 1);
            jpeg.extend_from_slice(&seen[..used]);
            self.reader.consume(used);
            if plain.is_some() {
                match self.after_ff(jpeg)? {
                    // A stuffed byte, or a restart marker: the data go on.
                    Some(0x00 | 0xd0..=0xd7) => {}
                    marker => return Ok(marker),
                }
            }
        }
        Ok(None)
    }

    fn byte(&mut self, jpeg: &mut Vec<u8>) -> io::Result<u8> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte)?;
        jpeg.push(byte[0]);
        Ok(byte[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture with a thumbnail, a comment that holds an end, stuffing, fill and restarts.
    fn tricky(tag: u8) -> Vec<u8> {
        let mut jpeg = vec![0xff, SOI, 0xff, 0xe1, 0, 8, 0xff, SOI, 0xff, EOI, 1, 2];
        jpeg.extend([0xff, 0xff, 0xfe, 0, 4, 0xff, EOI]);
        jpeg.extend([0xff, SOS, 0, 3, tag, 7, 0xff, 0x00, 0xff, 0xd3, 9]);
        jpeg.extend([0xff, 0xc4, 0, 4, 0xff, EOI, 0xff, SOS, 0, 2, 5, 0xff, 0x00, 0xff, EOI]);
        jpeg
    }

    fn split(stream: &[u8]) -> Vec<(Step, Vec<u8>)> {
        // A small buffer, so that everything lies across its ends once.
        let mut splitter = Splitter::new(io::BufReader::with_capacity(3, stream));
        let mut steps = Vec::new();
        loop {
            let mut jpeg = Vec::new();
            match splitter.read(&mut jpeg).unwrap() {
                Step::End => return steps,
                step => steps.push((step, jpeg)),
            }
        }
    }

    #[test]
    fn pictures_end_at_their_own_end_only() {
        let stream = [tricky(1), b"\r\n--boundary\r\n".to_vec(), tricky(2), vec![0]].concat();
        assert_eq!(split(&stream), [(Step::Frame, tricky(1)), (Step::Frame, tricky(2))]);
    }

    #[test]
    fn a_picture_cut_short_costs_itself_alone() {
        let cut = &tricky(1)[..25]; // amid its first scan
        let steps = split(&[cut, &tricky(2), &tricky(3)[..20]].concat());
        let kinds: Vec<Step> = steps.iter().map(|(step, _)| *step).collect();
        assert_eq!(kinds, [Step::Damaged, Step::Frame, Step::Damaged]);
        assert_eq!(steps[1].1, tricky(2));
    }

    #[test]
    fn endless_garbage_is_an_error() {
        let mut splitter = Splitter::new(io::BufReader::new(io::repeat(0x55)));
        assert!(splitter.read(&mut Vec::new()).is_err());
        let endless = (&[0xff, SOI, 0xff, SOS, 0, 2][..]).chain(io::repeat(0x55));
        let mut splitter = Splitter::new(io::BufReader::new(endless));
        let mut jpeg = Vec::new();
        assert_eq!(splitter.read(&mut jpeg).unwrap(), Step::Damaged);
        assert!(jpeg.len() < SIZE_LIMIT + (1 << 17));
    }
}

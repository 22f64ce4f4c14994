//! A walk over a file's elements before they are read: does every one of them fit into the file?
//!
//! The parser reserves what an element claims, up to 4 GB, before it finds that the file is
//! shorter, which a small machine does not survive. What is deflated is walked inflated, up to a limit.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;

const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const IMPLICIT: &str = "1.2.840.10008.1.2";
const MAGIC: &[u8; 4] = b"DICM";
const PREAMBLE: usize = 128;
/// A deflated kilobyte can become a megabyte, and the parser keeps all of it.
const INFLATED_LIMIT: u64 = 256_000_000;
const UNDEFINED: u32 = u32::MAX;
const META_LENGTH: (u16, u16) = (0x0002, 0x0000);
const SYNTAX: (u16, u16) = (0x0002, 0x0010);
const ITEM: (u16, u16) = (0xfffe, 0xe000);
const PIXEL_DATA: (u16, u16) = (0x7fe0, 0x0010);

struct Walk<R> {
    reader: R,
    at: u64,
    end: u64,
    implicit: bool,
    big: bool,
    /// Items are fragments of a picture, and hold no elements.
    fragments: bool,
}

/// An element's tag, value representation (spaces where it is implied) and length.
struct Header {
    tag: (u16, u16),
    vr: [u8; 2],
    length: u32,
}

/// Fails with `UnexpectedEof` where an element is longer than what is left.
pub fn check(mut reader: impl Read + Seek) -> io::Result<()> {
    let end = reader.seek(SeekFrom::End(0))?;
    let Some(start) = start(&mut reader)? else { return Ok(()) };
    reader.seek(SeekFrom::Start(start))?;
    let (implicit, big, fragments) = (false, false, false);
    let mut walk = Walk { reader, at: start, end, implicit, big, fragments };
    // Explicit and little endian; as long as its first element says, as the parser has it.
    if walk.header()?.tag != META_LENGTH {
        return Ok(());
    }
    let length = u32::from_le_bytes(walk.bytes()?);
    let data = walk.at + u64::from(length);
    let mut syntax = Vec::new();
    while walk.at < data {
        let Header { tag, length, .. } = walk.header()?;
        walk.fits(length)?;
        if tag == SYNTAX {
            syntax.clear();
            walk.reader.by_ref().take(u64::from(length)).read_to_end(&mut syntax)?;
        }
        walk.seek(walk.at + u64::from(length))?;
    }
    let syntax = String::from_utf8_lossy(&syntax);
    let syntax = syntax.trim_end_matches(['\0', ' ']);
    if syntax == DEFLATED {
        let mut data = Vec::new();
        DeflateDecoder::new(walk.reader).take(INFLATED_LIMIT + 1).read_to_end(&mut data)?;
        let end = data.len() as u64;
        if end > INFLATED_LIMIT {
            return Err(io::Error::other("inflated it is longer than 256 MB"));
        }
        return Walk { reader: Cursor::new(data), at: 0, end, implicit, big, fragments }.elements();
    }
    (walk.implicit, walk.big) = (syntax == IMPLICIT, syntax == BIG_ENDIAN);
    walk.elements()
}

/// Where the meta group begins; nowhere, where the parser will find no DICOM file. Some have no preamble.
fn start(reader: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
    reader.rewind()?;
    let mut head = Vec::new();
    reader.by_ref().take((PREAMBLE + MAGIC.len()) as u64).read_to_end(&mut head)?;
    let at = [PREAMBLE, 0].into_iter().find(|&at| head.get(at..at + 4) == Some(&MAGIC[..]));
    Ok(at.map(|at| (at + MAGIC.len()) as u64))
}

impl<R: Read + Seek> Walk<R> {
    /// The elements after the meta group.
    fn elements(&mut self) -> io::Result<()> {
        while self.at < self.end {
            let Header { tag, vr, length } = self.header()?;
            if length == UNDEFINED {
                self.fragments = tag == PIXEL_DATA;
                continue;
            }
            self.fits(length)?;
            let inside =
                if tag == ITEM { !self.fragments } else { vr == *b"SQ" || self.holds_items()? };
            if !inside {
                self.seek(self.at + u64::from(length))?;
            }
        }
        Ok(())
    }

    fn seek(&mut self, at: u64) -> io::Result<()> {
        self.at = self.reader.seek(SeekFrom::Start(at))?;
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn word(&self, pair: [u8; 2]) -> u16 {
        if self.big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    }

    fn long(&self, four: [u8; 4]) -> u32 {
        if self.big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    }

    fn header(&mut self) -> io::Result<Header> {
        let [a, b, c, d, e, f, g, h] = self.bytes::<8>()?;
        let tag = (self.word([a, b]), self.word([c, d]));
        if self.implicit || tag.0 == ITEM.0 {
            return Ok(Header { tag, vr: *b"  ", length: self.long([e, f, g, h]) });
        }
        let vr = [e, f];
        let length = match &vr {
            b"AE" | b"AS" | b"AT" | b"CS" | b"DA" | b"DS" | b"DT" | b"FD" | b"FL" | b"IS"
            | b"LO" | b"LT" | b"PN" | b"SH" | b"SL" | b"SS" | b"ST" | b"TM" | b"UI" | b"UL"
            | b"US" => u32::from(self.word([g, h])),
            // Those that this list does not know have a long one too (PS3.5, 7.1.2).
            _ => {
                let four = self.bytes::<4>()?;
                self.long(four)
            }
        };
        Ok(Header { tag, vr, length })
    }

    fn fits(&self, length: u32) -> io::Result<()> {
        if u64::from(length) <= self.end - self.at.min(self.end) {
            return Ok(());
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    /// Whether the value that follows is a sequence, where no representation says so.
    fn holds_items(&mut self) -> io::Result<bool> {
        if !self.implicit || self.end - self.at < 8 {
            return Ok(false);
        }
        let back = self.at;
        let [a, b, c, d] = self.bytes::<4>()?;
        self.seek(back)?;
        Ok((self.word([a, b]), self.word([c, d])) == ITEM)
    }
}

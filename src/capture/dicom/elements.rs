//! Reads a file's elements, whatever they claim: none is taken to be longer than what is left of the file.
//!
//! The parser reserves what an element claims, up to 4 GB, before it finds that the file is
//! shorter, which a small machine does not survive. So it gets a decoder that ends at such a claim.
//! What is deflated is inflated first, up to a limit.

use std::cell::Cell;
use std::error::Error;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::rc::Rc;

use dicom_core::header::{DataElementHeader, Length, SequenceItemHeader};
use dicom_core::value::PrimitiveValue;
use dicom_object::InMemDicomObject;
use dicom_parser::stateful::decode::Result as Decoded;
use dicom_parser::{DynStatefulDecoder, StatefulDecode};
use dicom_transfer_syntax_registry::{TransferSyntaxIndex, TransferSyntaxRegistry};
use flate2::read::DeflateDecoder;

const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const MAGIC: &[u8; 4] = b"DICM";
const PREAMBLE: usize = 128;
/// A deflated kilobyte can become a megabyte, and the parser keeps all of it.
const INFLATED_LIMIT: u64 = 256_000_000;
const META_LENGTH: [u16; 2] = [0x0002, 0x0000];
const SYNTAX: [u16; 2] = [0x0002, 0x0010];

/// The transfer syntax and the elements after the meta group.
pub fn read(mut reader: impl Read + Seek) -> Result<(String, InMemDicomObject), Box<dyn Error>> {
    let end = reader.seek(SeekFrom::End(0))?;
    let (syntax, at) = meta(&mut reader, end)?.ok_or("it does not begin as one does")?;
    let syntax = String::from_utf8_lossy(&syntax);
    let syntax = syntax.trim_end_matches(['\0', ' ']).to_owned();
    let known = TransferSyntaxRegistry.get(&syntax);
    let known = known.ok_or_else(|| format!("its transfer syntax {syntax:?} is not known"))?;
    let mut data = Vec::new();
    let (reader, end): (Box<dyn Read>, u64) = if syntax == DEFLATED {
        DeflateDecoder::new(reader).take(INFLATED_LIMIT + 1).read_to_end(&mut data)?;
        let end = data.len() as u64;
        if end > INFLATED_LIMIT {
            return Err("inflated it is longer than 256 MB".into());
        }
        (Box::new(Cursor::new(data)), end)
    } else {
        (Box::new(reader), end.saturating_sub(at))
    };
    let decoder = DynStatefulDecoder::new_with_ts(reader, known, 0)?;
    let short = Rc::new(Cell::new(false));
    let object = InMemDicomObject::read_dataset(Bounded { decoder, end, short: short.clone() });
    if short.get() {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok((syntax, object?))
}

/// A decoder that lets nobody hear of more bytes than there are: the data end at such a claim.
struct Bounded<S> {
    decoder: S,
    end: u64,
    /// There was one.
    short: Rc<Cell<bool>>,
}

impl<S: StatefulDecode> Bounded<S> {
    /// Goes to the end where an element is longer than what is left; whether it is.
    fn ends(&mut self, length: Length) -> Decoded<bool> {
        let left = self.end.saturating_sub(self.decoder.position());
        let over = length.get().is_some_and(|length| u64::from(length) > left);
        if over {
            self.short.set(true);
            self.decoder.skip_bytes(u32::MAX)?;
        }
        Ok(over)
    }
}

impl<S: StatefulDecode> StatefulDecode for Bounded<S> {
    type Reader = S::Reader;

    fn decode_header(&mut self) -> Decoded<DataElementHeader> {
        let header = self.decoder.decode_header()?;
        if self.ends(header.len)? { self.decoder.decode_header() } else { Ok(header) }
    }

    fn decode_item_header(&mut self) -> Decoded<SequenceItemHeader> {
        let header = self.decoder.decode_item_header()?;
        match header {
            SequenceItemHeader::Item { len } if self.ends(len)? => {
                self.decoder.decode_item_header()
            }
            header => Ok(header),
        }
    }

    fn read_value(&mut self, header: &DataElementHeader) -> Decoded<PrimitiveValue> {
        self.decoder.read_value(header)
    }

    fn read_value_preserved(&mut self, header: &DataElementHeader) -> Decoded<PrimitiveValue> {
        self.decoder.read_value_preserved(header)
    }

    fn read_value_bytes(&mut self, header: &DataElementHeader) -> Decoded<PrimitiveValue> {
        self.decoder.read_value_bytes(header)
    }

    fn read_to_vec(&mut self, length: u32, vec: &mut Vec<u8>) -> Decoded<()> {
        self.decoder.read_to_vec(length, vec)
    }

    fn read_u32_to_vec(&mut self, length: u32, vec: &mut Vec<u32>) -> Decoded<()> {
        self.decoder.read_u32_to_vec(length, vec)
    }

    fn read_to<W: Write>(&mut self, length: u32, out: W) -> Decoded<()> {
        self.decoder.read_to(length, out)
    }

    fn skip_bytes(&mut self, length: u32) -> Decoded<()> {
        self.decoder.skip_bytes(length)
    }

    fn seek(&mut self, position: u64) -> Decoded<()>
    where
        Self::Reader: Seek,
    {
        self.decoder.seek(position)
    }

    fn position(&self) -> u64 {
        self.decoder.position()
    }
}

/// Goes over the meta group, which is as long as its first element says: the transfer syntax, and where
/// the data begin; nothing, where there is no DICOM file.
fn meta(reader: &mut (impl Read + Seek), end: u64) -> io::Result<Option<(Vec<u8>, u64)>> {
    let Some(start) = start(reader)? else { return Ok(None) };
    let mut at = reader.seek(SeekFrom::Start(start))?;
    let (tag, length) = header(reader, &mut at)?;
    if tag != META_LENGTH || length != 4 {
        return Ok(None);
    }
    let data = at + 4 + u64::from(u32::from_le_bytes(bytes(reader)?));
    at += 4;
    let mut syntax = Vec::new();
    while at < data {
        let (tag, length) = header(reader, &mut at)?;
        if u64::from(length) > end.saturating_sub(at) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if tag == SYNTAX {
            syntax.clear();
            reader.by_ref().take(u64::from(length)).read_to_end(&mut syntax)?;
        }
        at = reader.seek(SeekFrom::Start(at + u64::from(length)))?;
    }
    Ok(Some((syntax, at)))
}

/// Where the meta group begins; nowhere, where there is no DICOM file. Some have no preamble.
fn start(reader: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
    reader.rewind()?;
    let mut head = Vec::new();
    reader.by_ref().take((PREAMBLE + MAGIC.len()) as u64).read_to_end(&mut head)?;
    let at = [PREAMBLE, 0].into_iter().find(|&at| head.get(at..at + 4) == Some(&MAGIC[..]));
    Ok(at.map(|at| (at + MAGIC.len()) as u64))
}

fn bytes<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// An element's tag and length, in the meta group's explicit little endian.
fn header(reader: &mut impl Read, at: &mut u64) -> io::Result<([u16; 2], u32)> {
    let [a, b, c, d, e, f, g, h] = bytes::<8>(reader)?;
    *at += 8;
    let tag = [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])];
    let length = match &[e, f] {
        b"AE" | b"AS" | b"AT" | b"CS" | b"DA" | b"DS" | b"DT" | b"FD" | b"FL" | b"IS" | b"LO"
        | b"LT" | b"PN" | b"SH" | b"SL" | b"SS" | b"ST" | b"TM" | b"UI" | b"UL" | b"US" => {
            u32::from(u16::from_le_bytes([g, h]))
        }
        // Those that this list does not know have a long one too (PS3.5, 7.1.2).
        _ => {
            *at += 4;
            u32::from_le_bytes(bytes(reader)?)
        }
    };
    Ok((tag, length))
}

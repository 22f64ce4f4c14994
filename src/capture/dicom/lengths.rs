//! A walk over a file's elements before they are read: does every one of them fit into the file?
//!
//! The parser reserves what an element claims, up to 4 GB, before it finds that the file is
//! shorter, which a small machine does not survive. So it goes through the file in its own lazy form
//! first, which takes a damaged file as it does. What is deflated is walked inflated, up to a limit.

use std::error::Error;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

use dicom_encoding::TransferSyntax;
use dicom_parser::StatefulDecode;
use dicom_parser::dataset::LazyDataToken;
use dicom_parser::dataset::lazy_read::LazyDataSetReader;
use dicom_transfer_syntax_registry::{TransferSyntaxIndex, TransferSyntaxRegistry};
use flate2::read::DeflateDecoder;

const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const MAGIC: &[u8; 4] = b"DICM";
const PREAMBLE: usize = 128;
/// A deflated kilobyte can become a megabyte, and the parser keeps all of it.
const INFLATED_LIMIT: u64 = 256_000_000;
const META_LENGTH: [u16; 2] = [0x0002, 0x0000];
const SYNTAX: [u16; 2] = [0x0002, 0x0010];

/// Fails with `UnexpectedEof` where an element is longer than what is left, and where the parser would fail.
pub fn check(mut reader: impl Read + Seek) -> Result<(), Box<dyn Error>> {
    let end = reader.seek(SeekFrom::End(0))?;
    let Some(syntax) = meta(&mut reader, end)? else { return Ok(()) };
    let syntax = String::from_utf8_lossy(&syntax);
    let syntax = syntax.trim_end_matches(['\0', ' ']);
    // Of others, the parser reads nothing.
    let Some(known) = TransferSyntaxRegistry.get(syntax) else { return Ok(()) };
    if syntax != DEFLATED {
        return walk(reader, end, known);
    }
    let mut data = Vec::new();
    DeflateDecoder::new(reader).take(INFLATED_LIMIT + 1).read_to_end(&mut data)?;
    let end = data.len() as u64;
    if end > INFLATED_LIMIT {
        return Err("inflated it is longer than 256 MB".into());
    }
    walk(Cursor::new(data), end, known)
}

/// The elements after the meta group.
fn walk(reader: impl Read + Seek, end: u64, syntax: &TransferSyntax) -> Result<(), Box<dyn Error>> {
    let mut tokens = LazyDataSetReader::new_with_ts(reader, syntax)?;
    while let Some(token) = tokens.advance() {
        let token = token?;
        match &token {
            LazyDataToken::LazyValue { header, decoder } => {
                fits(header.len.0, decoder.position(), end)?;
            }
            LazyDataToken::LazyItemValue { len, decoder } => fits(*len, decoder.position(), end)?,
            _ => {}
        }
        token.skip()?;
    }
    Ok(())
}

fn fits(length: u32, at: u64, end: u64) -> io::Result<()> {
    if u64::from(length) <= end.saturating_sub(at) {
        return Ok(());
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// Goes over the meta group, which is as long as its first element says, and returns the transfer syntax;
/// none, where the parser will find no DICOM file.
fn meta(reader: &mut (impl Read + Seek), end: u64) -> io::Result<Option<Vec<u8>>> {
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
        fits(length, at, end)?;
        if tag == SYNTAX {
            syntax.clear();
            reader.by_ref().take(u64::from(length)).read_to_end(&mut syntax)?;
        }
        at = reader.seek(SeekFrom::Start(at + u64::from(length)))?;
    }
    Ok(Some(syntax))
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
        // Items have no representation.
        _ if tag[0] == 0xfffe => u32::from_le_bytes([e, f, g, h]),
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

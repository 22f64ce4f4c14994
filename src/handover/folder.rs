//! An exam's files in a folder of their own, on a stick or a disk that may be full, torn out or bad.
//!
//! A file is written under another name, synced and renamed; at the end all are read back from the
//! medium and compared. `SHA256SUMS` comes last: a folder without it is not complete.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::dicom::{self, Parcel, dicom};
use super::facts::{Facts, Privacy};
use super::{Material, fhir, page};
use crate::error::{Error, ErrorKind, plain_words};
use crate::store::{Appender, ExamId, Files, Folder};

/// Of each file, for whoever wants to check them later.
const SUMS: &str = "SHA256SUMS";
/// The end of names of files that are being written.
const DRAFT: &str = ".part";
/// Steps that [`write`] tells of.
pub const PARTS: usize = 6;

/// What came of it.
#[derive(Debug)]
pub struct Written {
    pub files: usize,
    pub bytes: u64,
    /// The folder was complete before, and has been written again.
    pub replaced: bool,
}

/// Named by the exam's random number. The two kinds never mix in one folder.
pub fn folder_name(id: ExamId, privacy: Privacy) -> String {
    match privacy {
        Privacy::Deidentified => id.to_string(),
        Privacy::Identified => format!("{id}-identified"),
    }
}

/// Writes all files, and returns once they are known to be on the medium. `step` is called after
/// each part.
pub fn write(
    files: &dyn Files,
    material: Material,
    privacy: Privacy,
    step: impl FnMut(),
) -> Result<Written, Error> {
    put_all(files, &contents(material, privacy)?, step)
}

/// The same in a folder of its own below `to`, such as a stick is mounted at; where that is.
pub fn onto(
    to: &Path,
    material: Material,
    privacy: Privacy,
    step: impl FnMut(),
) -> Result<(PathBuf, Written), Error> {
    let path = to.join(folder_name(material.record.id, privacy));
    let made = Folder::open_shared(&path);
    let made = made.and_then(|made| std::fs::File::open(to)?.sync_all().map(|()| made));
    let folder =
        made.map_err(|e| Error { subject: path.display().to_string(), ..unwritten(&e) })?;
    let written = write(&folder, material, privacy, step).map_err(|error| {
        let subject = path.join(&error.subject).display().to_string();
        Error { subject, ..error }
    })?;
    Ok((path, written))
}

/// What stands in a file.
pub(super) enum Content {
    Bytes(Vec<u8>),
    Dicom(Box<Parcel>),
}

pub(super) fn put_all(
    files: &dyn Files,
    contents: &[(&'static str, Content)],
    mut step: impl FnMut(),
) -> Result<Written, Error> {
    let replaced = files.names().map_err(|e| unwritten(&e))?.iter().any(|name| name == SUMS);
    if replaced {
        files.remove(SUMS).and_then(|()| files.sync_names()).map_err(|e| unwritten(&e))?;
    }
    let mut sums = Vec::new();
    let mut bytes = 0;
    for (name, content) in contents {
        let (digest, length) = put(files, name, content)?;
        bytes += length;
        sums.push((*name, digest));
        step();
    }
    let lines: String = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    let (digest, _) = put(files, SUMS, &Content::Bytes(lines.into_bytes()))?;
    sums.push((SUMS, digest));
    for (name, written) in &sums {
        let read = digest_of(files, name);
        if read.as_ref().ok() != Some(written) {
            let problem = match read {
                Err(error) => format!("cannot be read back ({})", plain_words(&error)),
                Ok(_) => "is not on the medium as it was written".to_owned(),
            };
            return Err(Error::new(ErrorKind::Storage, name, problem, REMEDY));
        }
    }
    step();
    Ok(Written { files: sums.len(), bytes, replaced })
}

const REMEDY: &str = "free space or take another stick and export again: the exam still counts as \
                      not exported";

/// Of the first and last of all files, where no other is named.
fn unwritten(error: &io::Error) -> Error {
    let problem = format!("cannot be written ({})", plain_words(error));
    Error::new(ErrorKind::Storage, SUMS, problem, REMEDY)
}

/// Page and FHIR first: the clip then goes over into its own file.
pub(super) fn contents(
    material: Material,
    privacy: Privacy,
) -> Result<Vec<(&'static str, Content)>, Error> {
    let facts = Facts::of(&material, privacy);
    let undrawn = |e: image::ImageError| {
        let problem = format!("cannot be drawn ({e})");
        Error::new(ErrorKind::Storage, "the page", problem, "report this as an error")
    };
    let page = page::html(&facts, &material).map_err(undrawn)?;
    let fhir = fhir::bundle(&facts, &material.clip);
    let mut contents = vec![
        ("page.html", Content::Bytes(page.into_bytes())),
        ("fhir.json", Content::Bytes(fhir.into_bytes())),
    ];
    for parcel in dicom(material, privacy)? {
        let name = match parcel.object.meta().media_storage_sop_class_uid() {
            dicom::US_MULTIFRAME => "clip.dcm",
            dicom::SECONDARY_CAPTURE => "summary.dcm",
            _ => "report.dcm",
        };
        contents.push((name, Content::Dicom(Box::new(parcel))));
    }
    Ok(contents)
}

/// Puts a file in place of what was there; its digest and length.
fn put(files: &dyn Files, name: &str, content: &Content) -> Result<(String, u64), Error> {
    let draft = format!("{name}{DRAFT}");
    let outcome = put_as(files, name, &draft, content);
    if outcome.is_err() {
        // It may be gone with the stick; what is left of it makes no complete folder.
        let _ = files.remove(&draft);
    }
    outcome
}

fn put_as(
    files: &dyn Files,
    name: &str,
    draft: &str,
    content: &Content,
) -> Result<(String, u64), Error> {
    let wrong = |error: io::Error| Error { subject: name.to_owned(), ..unwritten(&error) };
    let stream = Appender::new(files.create(draft).map_err(wrong)?);
    let mut output = BufWriter::with_capacity(1 << 18, stream);
    match content {
        Content::Bytes(bytes) => output.write_all(bytes).map_err(wrong)?,
        // An exam that cannot be read is no fault of the medium.
        Content::Dicom(parcel) => parcel.write(&mut output, wrong)?,
    }
    let stream = output.into_inner().map_err(|e| wrong(e.into_error()))?;
    let (length, digest) = (stream.length(), stream.digest());
    let settled = stream.sync().and_then(|()| stream.forget());
    drop(stream);
    let named = settled.and_then(|()| files.rename(draft, name)).and_then(|()| files.sync_names());
    named.map_err(wrong)?;
    Ok((hex(digest), length))
}

fn digest_of(files: &dyn Files, name: &str) -> io::Result<String> {
    let file = files.open(name)?;
    let (length, mut digest) = (file.length()?, Sha256::new());
    let mut piece = vec![0; 1 << 18];
    let mut at = 0;
    while at < length {
        let size = usize::try_from(length - at).unwrap_or(usize::MAX).min(piece.len());
        file.read_at(&mut piece[..size], at)?;
        digest.update(&piece[..size]);
        at += size as u64;
    }
    Ok(hex(digest))
}

pub(super) fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

//! An exam as three DICOM instances of one study: the clip, a summary to look at, and a structured
//! report. Explicit VR Little Endian; nothing is compressed.
//!
//! De-identified after the Basic Application Confidentiality Profile of PS3.15 with the options that
//! [`codes::DEIDENTIFICATION`] names: dates are empty, a dummy where the standard demands one.

mod codes;
mod common;
mod content;
mod data;
mod report;

use std::io::{self, Write};

use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileDicomObject, FileMetaTableBuilder, InMemDicomObject};

pub use self::common::{Instance, birth_date};
use self::data::{Data, clock, date, empty, put, text};
use super::facts::{Facts, Organ, Privacy};
use super::{Clip, Material, summary};
use crate::error::{Error, ErrorKind};

pub const US_MULTIFRAME: &str = uids::ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE;
pub const SECONDARY_CAPTURE: &str = uids::SECONDARY_CAPTURE_IMAGE_STORAGE;
pub const COMPREHENSIVE_SR: &str = uids::COMPREHENSIVE_SR_STORAGE;

const CLIP: Instance =
    Instance { kind: "clip", class: US_MULTIFRAME, modality: "US", number: 1, description: "Clip" };
const SUMMARY: Instance = Instance {
    kind: "summary",
    class: SECONDARY_CAPTURE,
    modality: "OT",
    number: 2,
    description: "Summary",
};
const REPORT: Instance = Instance {
    kind: "report",
    class: COMPREHENSIVE_SR,
    modality: "SR",
    number: 3,
    description: "Report",
};

/// All of them, in the order of their numbers.
pub const INSTANCES: [&Instance; 3] = [&CLIP, &SUMMARY, &REPORT];

/// What stands before the length of pixels: their tag, OB, and two bytes of nothing.
const PIXEL_DATA: [u8; 8] = [0xe0, 0x7f, 0x10, 0x00, b'O', b'B', 0, 0];
/// Bytes that a value with a short length can have, whatever the number of frames.
const LONGEST_VALUE: usize = 65_534;

/// An instance as it is handed over: its attributes, and the clip that its pixels are read from as they
/// go. Without one they are among the attributes.
pub struct Parcel {
    pub object: FileDicomObject<InMemDicomObject>,
    pub clip: Option<Clip>,
}

/// Clip, summary and report; without a clip where no frame has a picture.
pub fn dicom(material: Material, privacy: Privacy) -> Result<Vec<Parcel>, Error> {
    let facts = Facts::of(&material, privacy);
    let picture = summary::draw(&facts, &material);
    let report = report::report(&facts, &material);
    let mut parcels = Vec::new();
    if !material.clip.is_empty() {
        let object = file(clip(&facts, &material.clip))?;
        parcels.push(Parcel { object, clip: Some(material.clip) });
    }
    let size = [picture.width(), picture.height()];
    for data in [capture(&facts, size, picture.into_raw()), report] {
        parcels.push(Parcel { object: file(data)?, clip: None });
    }
    Ok(parcels)
}

impl Parcel {
    /// Writes it as a file; `wrong` says what a failure of `out` means.
    pub fn write(
        &self,
        out: &mut impl Write,
        wrong: impl Fn(io::Error) -> Error,
    ) -> Result<(), Error> {
        self.object.write_all(&mut *out).map_err(|e| wrong(cause(e)))?;
        let Some(clip) = &self.clip else { return Ok(()) };
        // Nothing stands behind the pixels, whose tag is the last one; their length is even.
        let length = clip.length().next_multiple_of(2) as u32;
        let head = [&PIXEL_DATA[..], &length.to_le_bytes()].concat();
        out.write_all(&head).map_err(&wrong)?;
        clip.pixels(&mut |pixels| out.write_all(pixels).map_err(&wrong))?;
        let odd = clip.length() % 2 == 1;
        out.write_all(if odd { &[0] } else { &[] }).map_err(&wrong)
    }
}

/// What the disk said, out of the errors around it.
fn cause(error: impl std::error::Error + 'static) -> io::Error {
    let mut inner: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(error) = inner {
        if let Some(found) = error.downcast_ref::<io::Error>() {
            return found
                .raw_os_error()
                .map_or_else(|| found.kind().into(), io::Error::from_raw_os_error);
        }
        inner = error.source();
    }
    io::Error::other(error.to_string())
}

fn file(data: Data) -> Result<FileDicomObject<InMemDicomObject>, Error> {
    let meta = FileMetaTableBuilder::new().transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN);
    data.with_meta(meta).map_err(|e| {
        let problem = format!("cannot be made ({e})");
        Error::new(ErrorKind::Storage, "the DICOM file", problem, "report this as an error")
    })
}

/// The frames as they were kept, but for their pixels.
fn clip(facts: &Facts, clip: &Clip) -> Data {
    let mut data = common::begin(facts, &CLIP);
    common::body(&mut data, facts);
    let organ = match facts.organ() {
        Some(Organ::Lung) => "CHEST",
        Some(Organ::Breast) => "BREAST",
        None => "",
    };
    let kind = dicom_core::dicom_value!(Strs, ["DERIVED", "PRIMARY", organ, "0001"]);
    put(&mut data, tags::IMAGE_TYPE, VR::CS, kind);
    empty(&mut data, tags::PATIENT_ORIENTATION, VR::CS);
    let [_, started, _] = facts.dates();
    if started.is_some() {
        for (day, hour) in [
            (tags::ACQUISITION_DATE, tags::ACQUISITION_TIME),
            (tags::CONTENT_DATE, tags::CONTENT_TIME),
        ] {
            date(&mut data, day, started);
            clock(&mut data, hour, started);
        }
    }
    let derivation = "Black outside the ultrasound sector, text and marks inside filled in. Kept \
                      without loss of what the source gave; ";
    let source = if facts.never_compressed() {
        text(&mut data, tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "00");
        "a simulation."
    } else {
        "whether that was compressed is not known."
    };
    text(&mut data, tags::DERIVATION_DESCRIPTION, VR::ST, &format!("{derivation}{source}"));
    put(&mut data, tags::ULTRASOUND_COLOR_DATA_PRESENT, VR::US, 0_u16);
    times(&mut data, clip);
    common::layout(&mut data, [clip.width, clip.height], "MONOCHROME2");
    data
}

/// How many frames there are, and when.
fn times(data: &mut Data, clip: &Clip) {
    text(data, tags::NUMBER_OF_FRAMES, VR::IS, &clip.len().to_string());
    let intervals = clip.intervals();
    let words = |hundredths: u64| format!("{}.{:02}", hundredths / 100, hundredths % 100);
    let whole: u64 = intervals.iter().sum();
    let mean = whole / (intervals.len() as u64 - 1).max(1);
    let vector = intervals.iter().map(|&i| words(i)).collect::<Vec<_>>().join("\\");
    let regular = intervals.iter().skip(1).all(|&interval| interval == mean);
    // Of very long clips, only the mean can be told.
    if regular || vector.len() > LONGEST_VALUE {
        put(data, tags::FRAME_INCREMENT_POINTER, VR::AT, tags::FRAME_TIME);
        text(data, tags::FRAME_TIME, VR::DS, &words(mean));
    } else {
        put(data, tags::FRAME_INCREMENT_POINTER, VR::AT, tags::FRAME_TIME_VECTOR);
        put(data, tags::FRAME_TIME_VECTOR, VR::DS, vector.as_str());
    }
    if let Some(rate) = (100_000 + mean / 2).checked_div(mean) {
        let rate = rate.max(1).to_string();
        text(data, tags::CINE_RATE, VR::IS, &rate);
        text(data, tags::RECOMMENDED_DISPLAY_FRAME_RATE, VR::IS, &rate);
    }
    text(data, tags::EFFECTIVE_DURATION, VR::DS, &format!("{:.3}", whole as f64 / 1e5));
}

/// The summary as one picture in colour.
fn capture(facts: &Facts, size: [u32; 2], rgb: Vec<u8>) -> Data {
    let mut data = common::begin(facts, &SUMMARY);
    common::body(&mut data, facts);
    text(&mut data, tags::CONVERSION_TYPE, VR::CS, "WSD");
    let kind = dicom_core::dicom_value!(Strs, ["DERIVED", "SECONDARY"]);
    put(&mut data, tags::IMAGE_TYPE, VR::CS, kind);
    empty(&mut data, tags::PATIENT_ORIENTATION, VR::CS);
    let [_, _, ended] = facts.dates();
    if ended.is_some() {
        for (day, hour) in [
            (tags::DATE_OF_SECONDARY_CAPTURE, tags::TIME_OF_SECONDARY_CAPTURE),
            (tags::CONTENT_DATE, tags::CONTENT_TIME),
        ] {
            date(&mut data, day, ended);
            clock(&mut data, hour, ended);
        }
    }
    common::layout(&mut data, size, "RGB");
    put(&mut data, tags::PIXEL_DATA, VR::OB, rgb);
    data
}

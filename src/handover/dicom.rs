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

/// Bytes that a value with a short length can have, whatever the number of frames.
const LONGEST_VALUE: usize = 65_534;

/// Clip, summary and report; without a clip where no frame has a picture.
pub fn dicom(
    material: Material,
    privacy: Privacy,
) -> Result<Vec<FileDicomObject<InMemDicomObject>>, Error> {
    let facts = Facts::of(&material, privacy);
    let picture = summary::draw(&facts, &material);
    let report = report::report(&facts, &material);
    let mut instances = Vec::new();
    if !material.clip.is_empty() {
        instances.push(clip(&facts, material.clip));
    }
    let size = [picture.width(), picture.height()];
    instances.push(capture(&facts, size, picture.into_raw()));
    instances.push(report);
    instances.into_iter().map(file).collect()
}

fn file(data: Data) -> Result<FileDicomObject<InMemDicomObject>, Error> {
    let meta = FileMetaTableBuilder::new().transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN);
    data.with_meta(meta).map_err(|e| {
        let problem = format!("cannot be made ({e})");
        Error::new(ErrorKind::Storage, "the DICOM file", problem, "report this as an error")
    })
}

/// The frames as they were kept.
fn clip(facts: &Facts, clip: Clip) -> Data {
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
    times(&mut data, &clip);
    common::pixels(&mut data, [clip.width, clip.height], "MONOCHROME2", clip.pixels);
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
    common::pixels(&mut data, size, "RGB", rgb);
    data
}

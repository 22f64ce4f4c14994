//! Coded words. Those of our own are under `99SONOLAMP`.

use std::borrow::Cow;

use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::data::{Data, items, text};

pub const OWN: &str = "99SONOLAMP";

#[derive(Debug, Clone)]
pub struct Code {
    value: Cow<'static, str>,
    scheme: &'static str,
    meaning: Cow<'static, str>,
}

const fn code(value: &'static str, scheme: &'static str, meaning: &'static str) -> Code {
    Code { value: Cow::Borrowed(value), scheme, meaning: Cow::Borrowed(meaning) }
}

const fn dcm(value: &'static str, meaning: &'static str) -> Code {
    code(value, "DCM", meaning)
}

impl Code {
    /// A word of ours.
    pub fn own(value: &str, meaning: &str) -> Code {
        let (value, meaning) = (value.to_owned().into(), meaning.to_owned().into());
        Code { value, scheme: OWN, meaning }
    }

    pub fn item(&self) -> Data {
        let mut data = Data::new_empty();
        text(&mut data, tags::CODE_VALUE, VR::SH, &self.value);
        text(&mut data, tags::CODING_SCHEME_DESIGNATOR, VR::SH, self.scheme);
        text(&mut data, tags::CODE_MEANING, VR::LO, &self.meaning);
        data
    }
}

/// Which scheme `99SONOLAMP` is.
pub fn schemes(data: &mut Data) {
    let mut own = Data::new_empty();
    text(&mut own, tags::CODING_SCHEME_DESIGNATOR, VR::SH, OWN);
    text(&mut own, tags::CODING_SCHEME_NAME, VR::ST, "Words of Sonolamp");
    text(&mut own, tags::CODING_SCHEME_RESPONSIBLE_ORGANIZATION, VR::ST, "Sonolamp");
    items(data, tags::CODING_SCHEME_IDENTIFICATION_SEQUENCE, vec![own]);
}

/// How patients are removed: descriptions and structured content are made of what may be told.
pub const DEIDENTIFICATION: [Code; 4] = [
    dcm("113100", "Basic Application Confidentiality Profile"),
    dcm("113101", "Clean Pixel Data Option"),
    dcm("113104", "Clean Structured Content Option"),
    dcm("113105", "Clean Descriptors Option"),
];

pub const REPORT: Code = dcm("126000", "Imaging Measurement Report");
pub const LANGUAGE: Code = dcm("121049", "Language of Content Item and Descendants");
pub const ENGLISH: Code = code("en", "RFC5646", "English");
pub const OBSERVER_TYPE: Code = dcm("121005", "Observer Type");
pub const DEVICE: Code = dcm("121007", "Device");
pub const DEVICE_UID: Code = dcm("121012", "Device Observer UID");
pub const DEVICE_NAME: Code = dcm("121013", "Device Observer Name");
pub const DEVICE_MANUFACTURER: Code = dcm("121014", "Device Observer Manufacturer");
pub const DEVICE_MODEL: Code = dcm("121015", "Device Observer Model Name");
pub const PROCEDURE: Code = dcm("121058", "Procedure reported");
pub const ULTRASONOGRAPHY: Code = code("16310003", "SCT", "Diagnostic ultrasonography");
pub const COMMENT: Code = dcm("121106", "Comment");

pub const IMAGE_LIBRARY: Code = dcm("111028", "Image Library");
pub const IMAGE_LIBRARY_GROUP: Code = dcm("126200", "Image Library Group");
pub const MODALITY: Code = dcm("121139", "Modality");
pub const ULTRASOUND: Code = dcm("US", "Ultrasound");

pub const MEASUREMENTS: Code = dcm("126010", "Imaging Measurements");
pub const MEASUREMENT_GROUP: Code = dcm("125007", "Measurement Group");
pub const TRACKING: Code = dcm("112039", "Tracking Identifier");
pub const TRACKING_UID: Code = dcm("112040", "Tracking Unique Identifier");
pub const FINDING_SITE: Code = code("363698007", "SCT", "Finding Site");
pub const LATERALITY: Code = code("272741003", "SCT", "Laterality");
pub const MODIFIER: Code = code("106233006", "SCT", "Topographical modifier");
pub const LUNG: Code = code("39607008", "SCT", "Lung");
pub const BREAST: Code = code("76752008", "SCT", "Breast");
pub const RIGHT: Code = code("24028007", "SCT", "Right");
pub const LEFT: Code = code("7771000", "SCT", "Left");
pub const ALGORITHM_NAME: Code = dcm("111001", "Algorithm Name");
pub const ALGORITHM_VERSION: Code = dcm("111003", "Algorithm Version");
pub const ALGORITHM_PARAMETERS: Code = dcm("111002", "Algorithm Parameters");
pub const SOURCE: Code = code("260753009", "SCT", "Source");

pub const VERDICT: Code = code("verdict", OWN, "Screening verdict");
pub const REASON: Code = code("reason", OWN, "Reason of no verdict");
pub const PROBABILITY: Code = code("probability", OWN, "Calibrated probability of referring");
pub const USABLE: Code = code("usable-time", OWN, "Time of usable picture");
pub const SCORE: Code = code("zone-score", OWN, "Operator's score of the zone, 0 to 3");
pub const READING: Code = code("reading", OWN, "Clinician's own reading");
pub const SPO2: Code =
    code("59408-5", "LN", "Oxygen saturation in Arterial blood by Pulse oximetry");
pub const RESPIRATORY_RATE: Code = code("9279-1", "LN", "Respiratory rate");
pub const TEMPERATURE: Code = code("8310-5", "LN", "Body temperature");
pub const AGE: Code = code("30525-0", "LN", "Age");

pub const NO_UNIT: Code = code("1", "UCUM", "no units");
pub const SECONDS: Code = code("s", "UCUM", "seconds");
pub const PERCENT: Code = code("%", "UCUM", "percent");
pub const PER_MINUTE: Code = code("/min", "UCUM", "per minute");
pub const CELSIUS: Code = code("Cel", "UCUM", "degrees Celsius");
pub const MONTHS: Code = code("mo", "UCUM", "months");
pub const POINTS: Code = code("{score}", "UCUM", "score");

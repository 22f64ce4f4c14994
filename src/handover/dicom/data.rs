//! DICOM's elements, filled with what is allowed in them.

use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_object::InMemDicomObject;
use time::OffsetDateTime;

pub type Data = InMemDicomObject;

/// Text as its representation allows it: no control characters, no separator of values, not too
/// long.
pub fn text(data: &mut Data, tag: Tag, vr: VR, value: &str) {
    let most = match vr {
        VR::CS | VR::SH | VR::AE | VR::DS => 16,
        VR::LO | VR::PN | VR::UI => 64,
        VR::ST => 1024,
        _ => usize::MAX,
    };
    let separates = |c: &char| *c == '\\' && vr != VR::ST && vr != VR::UT;
    let plain = value.chars().map(|c| if c.is_control() || separates(&c) { ' ' } else { c });
    let plain: String = plain.take(most).collect();
    data.put(DataElement::new(tag, vr, plain.trim()));
}

pub fn put(data: &mut Data, tag: Tag, vr: VR, value: impl Into<PrimitiveValue>) {
    data.put(DataElement::new(tag, vr, value.into()));
}

/// There, with nothing in it.
pub fn empty(data: &mut Data, tag: Tag, vr: VR) {
    data.put(DataElement::empty(tag, vr));
}

pub fn items(data: &mut Data, tag: Tag, items: Vec<Data>) {
    data.put(DataElement::new(tag, VR::SQ, DataSetSequence::from(items)));
}

/// A date; empty where it is not known.
pub fn date(data: &mut Data, tag: Tag, time: Option<OffsetDateTime>) {
    let words =
        |t: OffsetDateTime| format!("{:04}{:02}{:02}", t.year(), u8::from(t.month()), t.day());
    text(data, tag, VR::DA, &time.map(words).unwrap_or_default());
}

/// A time of day; empty where it is not known.
pub fn clock(data: &mut Data, tag: Tag, time: Option<OffsetDateTime>) {
    let words = |t: OffsetDateTime| format!("{:02}{:02}{:02}", t.hour(), t.minute(), t.second());
    text(data, tag, VR::TM, &time.map(words).unwrap_or_default());
}

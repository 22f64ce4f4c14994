//! What all instances of an exam have in common: patient, visit, series, equipment, and how the
//! patient was removed.

use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::codes::{self, Code};
use super::data::{Data, clock, date, empty, items, put, text};
use crate::handover::facts::{Facts, Organ};

/// One of the instances.
pub struct Instance {
    /// What its names are made from.
    pub kind: &'static str,
    pub class: &'static str,
    pub modality: &'static str,
    /// Of the series, and of the instance in it.
    pub number: u16,
    pub description: &'static str,
}

pub fn begin(facts: &Facts, instance: &Instance) -> Data {
    let mut data = Data::new_empty();
    let [visit, started, ended] = facts.dates();
    text(&mut data, tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
    text(&mut data, tags::SOP_CLASS_UID, VR::UI, instance.class);
    text(&mut data, tags::SOP_INSTANCE_UID, VR::UI, &facts.uid(instance.kind).to_string());
    if started.is_some() {
        date(&mut data, tags::INSTANCE_CREATION_DATE, ended);
        clock(&mut data, tags::INSTANCE_CREATION_TIME, ended);
        text(&mut data, tags::TIMEZONE_OFFSET_FROM_UTC, VR::SH, "+0000");
    }
    patient(&mut data, facts);

    text(&mut data, tags::STUDY_INSTANCE_UID, VR::UI, &facts.study_uid());
    date(&mut data, tags::STUDY_DATE, visit);
    clock(&mut data, tags::STUDY_TIME, visit);
    let accession = &facts.record().patient.accession;
    // Half a number would be another order's.
    let fits = accession.chars().count() <= 16;
    text(&mut data, tags::ACCESSION_NUMBER, VR::SH, if fits { accession } else { "" });
    empty(&mut data, tags::REFERRING_PHYSICIAN_NAME, VR::PN);
    text(&mut data, tags::STUDY_ID, VR::SH, &facts.visit_uid("study").short());

    let series = format!("series {}", instance.kind);
    text(&mut data, tags::SERIES_INSTANCE_UID, VR::UI, &facts.uid(&series).to_string());
    text(&mut data, tags::MODALITY, VR::CS, instance.modality);
    text(&mut data, tags::SERIES_NUMBER, VR::IS, &instance.number.to_string());
    text(&mut data, tags::INSTANCE_NUMBER, VR::IS, "1");
    let demonstration = if facts.record().means.demonstration { "DEMONSTRATION " } else { "" };
    let description = format!("{demonstration}{} {}", instance.description, facts.zone());
    text(&mut data, tags::SERIES_DESCRIPTION, VR::LO, &description);
    if started.is_some() {
        date(&mut data, tags::SERIES_DATE, started);
        clock(&mut data, tags::SERIES_TIME, started);
    }
    if !facts.record().operator.is_empty() {
        text(&mut data, tags::OPERATORS_NAME, VR::PN, &person(&facts.record().operator));
    }
    equipment(&mut data, facts);
    data
}

fn patient(data: &mut Data, facts: &Facts) {
    let patient = &facts.record().patient;
    text(data, tags::PATIENT_NAME, VR::PN, &person(&patient.name));
    text(data, tags::PATIENT_ID, VR::LO, &patient.number);
    text(data, tags::PATIENT_BIRTH_DATE, VR::DA, &birth_date(&patient.born).unwrap_or_default());
    let sex = patient.sex.chars().next().map(|c| c.to_ascii_uppercase());
    let sex = sex.filter(|c| "MFO".contains(*c)).map(String::from);
    text(data, tags::PATIENT_SEX, VR::CS, &sex.unwrap_or_default());
    let age = facts.record().place.as_ref().and_then(|place| place.vital_signs.age_months);
    if let Some(months) = age {
        let age =
            if months < 24 { format!("{months:03}M") } else { format!("{:03}Y", months / 12) };
        text(data, tags::PATIENT_AGE, VR::AS, &age);
    }
    let removed = !facts.identified();
    text(data, tags::PATIENT_IDENTITY_REMOVED, VR::CS, if removed { "YES" } else { "NO" });
    let dates = if removed { "REMOVED" } else { "UNMODIFIED" };
    text(data, tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED, VR::CS, dates);
    if removed {
        let method = codes::DEIDENTIFICATION.iter().map(Code::item).collect();
        items(data, tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE, method);
    }
}

fn equipment(data: &mut Data, facts: &Facts) {
    let means = &facts.record().means;
    text(data, tags::MANUFACTURER, VR::LO, "Sonolamp");
    text(data, tags::MANUFACTURER_MODEL_NAME, VR::LO, "Sonolamp");
    text(data, tags::SOFTWARE_VERSIONS, VR::LO, &means.version);
    if !means.device.is_empty() {
        text(data, tags::STATION_NAME, VR::SH, &means.device);
    }
}

/// What only pictures of the body have.
pub fn body(data: &mut Data, facts: &Facts) {
    let part = match facts.organ() {
        Some(Organ::Lung) => "CHEST",
        Some(Organ::Breast) => "BREAST",
        None => return,
    };
    text(data, tags::BODY_PART_EXAMINED, VR::CS, part);
    if facts.organ() == Some(Organ::Breast) {
        text(data, tags::LATERALITY, VR::CS, &facts.side().map(String::from).unwrap_or_default());
    }
}

/// What says how large a picture is, and how its pixels lie.
pub fn layout(data: &mut Data, size: [u32; 2], photometric: &str) {
    let samples: u16 = if photometric == "RGB" { 3 } else { 1 };
    // No picture that is taken in is larger.
    let [columns, rows] = size.map(|side| side.min(u16::MAX.into()) as u16);
    let numbers = [
        (tags::SAMPLES_PER_PIXEL, samples),
        (tags::ROWS, rows),
        (tags::COLUMNS, columns),
        (tags::BITS_ALLOCATED, 8),
        (tags::BITS_STORED, 8),
        (tags::HIGH_BIT, 7),
        (tags::PIXEL_REPRESENTATION, 0),
    ];
    for (tag, number) in numbers {
        put(data, tag, VR::US, number);
    }
    if samples == 3 {
        put(data, tags::PLANAR_CONFIGURATION, VR::US, 0_u16);
    }
    text(data, tags::PHOTOMETRIC_INTERPRETATION, VR::CS, photometric);
    text(data, tags::BURNED_IN_ANNOTATION, VR::CS, "NO");
}

/// A name as typed in DICOM's parts: with a comma the family's comes first. Behind an equals sign it
/// stands in another script, of which there can be three.
pub fn person(name: &str) -> String {
    let group = |group: &str| match group.split_once(',') {
        Some((family, given)) => format!("{}^{}", family.trim(), given.trim()),
        None => group.trim().to_owned(),
    };
    name.splitn(3, '=').map(|part| group(&part.replace('=', " "))).collect::<Vec<_>>().join("=")
}

/// A whole date as typed, `1961-04-30` or `19610430`.
pub fn birth_date(born: &str) -> Option<String> {
    let digits: String = born.trim().chars().filter(|c| *c != '-').collect();
    let sound = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit());
    let part = |range: std::ops::Range<usize>| digits.get(range)?.parse::<u8>().ok();
    let date = sound && (1..=12).contains(&part(4..6)?) && (1..=31).contains(&part(6..8)?);
    date.then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_names_have_their_parts() {
        for (typed, parts) in [
            ("Lee, Ann Mary", "Lee^Ann Mary"),
            ("Ann Lee", "Ann Lee"),
            ("Wang, XiaoDong = 王, 小東", "Wang^XiaoDong=王^小東"),
            ("a=b=c=d", "a=b=c d"),
            ("", ""),
        ] {
            assert_eq!(person(typed), parts);
        }
    }
}

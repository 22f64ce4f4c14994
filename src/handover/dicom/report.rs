//! The structured report: a Measurement Report (TID 1500) by the program, not verified by anyone.

use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::codes::{self, Code};
use super::common;
use super::content::{Relation, coded, container, fill, image, named, number, reference, words};
use super::data::{Data, clock, date, empty, items, text};
use super::{CLIP, REPORT, SUMMARY};
use crate::handover::facts::{Facts, Organ};
use crate::handover::uid::Uid;
use crate::handover::{Clip, Material};
use crate::protocol::VitalSigns;

/// Stand where a date must and none may be told or is known.
const DUMMY_DATE: &str = "19000101";
const DUMMY_TIME: &str = "000000";

/// Of what `material` holds, only the pictures' numbers and places are used.
pub fn report(facts: &Facts, material: &Material) -> Data {
    let clip = &material.clip;
    let mut data = common::begin(facts, &REPORT);
    codes::schemes(&mut data);
    let [_, _, ended] = facts.dates();
    date(&mut data, tags::CONTENT_DATE, ended);
    clock(&mut data, tags::CONTENT_TIME, ended);
    if ended.is_none() {
        text(&mut data, tags::CONTENT_DATE, VR::DA, DUMMY_DATE);
        text(&mut data, tags::CONTENT_TIME, VR::TM, DUMMY_TIME);
    }
    text(&mut data, tags::COMPLETION_FLAG, VR::CS, "COMPLETE");
    text(&mut data, tags::VERIFICATION_FLAG, VR::CS, "UNVERIFIED");
    empty(&mut data, tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, VR::SQ);
    empty(&mut data, tags::PERFORMED_PROCEDURE_CODE_SEQUENCE, VR::SQ);
    items(
        &mut data,
        tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
        vec![evidence(facts, clip)],
    );
    text(&mut data, tags::VALUE_TYPE, VR::CS, "CONTAINER");
    items(&mut data, tags::CONCEPT_NAME_CODE_SEQUENCE, vec![codes::REPORT.item()]);

    let mut content = context(facts);
    content.push(library(facts, clip));
    let mut groups = vec![verdict(facts, material)];
    groups.extend(entered(facts));
    content.push(container(&codes::MEASUREMENTS, "1500", groups));
    for caveat in facts.caveats() {
        content.push(words(Relation::Contains, &codes::COMMENT, caveat));
    }
    let when = format!("Date of the exam: {}.", facts.date_words());
    content.push(words(Relation::Contains, &codes::COMMENT, &when));
    fill(&mut data, "1500", content);
    data
}

/// The pictures that the report is about, each in its series.
fn evidence(facts: &Facts, clip: &Clip) -> Data {
    let pictures = [&CLIP, &SUMMARY].into_iter().skip(usize::from(clip.is_empty()));
    let series = pictures.map(|picture| {
        let mut series = Data::new_empty();
        let uid = facts.uid(&format!("series {}", picture.kind)).to_string();
        text(&mut series, tags::SERIES_INSTANCE_UID, VR::UI, &uid);
        let instance = reference(picture.class, &facts.uid(picture.kind).to_string());
        items(&mut series, tags::REFERENCED_SOP_SEQUENCE, vec![instance]);
        series
    });
    let mut study = Data::new_empty();
    items(&mut study, tags::REFERENCED_SERIES_SEQUENCE, series.collect());
    text(&mut study, tags::STUDY_INSTANCE_UID, VR::UI, &facts.study_uid());
    study
}

/// In which language, who observed, and what was done.
fn context(facts: &Facts) -> Vec<Data> {
    let means = &facts.record().means;
    let observer = Relation::ObservationContext;
    let name = if means.device.is_empty() { "Sonolamp" } else { &means.device };
    vec![
        coded(Relation::ConceptModifier, &codes::LANGUAGE, &codes::ENGLISH),
        coded(observer, &codes::OBSERVER_TYPE, &codes::DEVICE),
        named(observer, &codes::DEVICE_UID, &facts.device_uid().to_string()),
        words(observer, &codes::DEVICE_NAME, name),
        words(observer, &codes::DEVICE_MANUFACTURER, "Sonolamp"),
        words(observer, &codes::DEVICE_MODEL, &format!("Sonolamp {}", means.version)),
        coded(Relation::ConceptModifier, &codes::PROCEDURE, &codes::ULTRASONOGRAPHY),
    ]
}

fn library(facts: &Facts, clip: &Clip) -> Data {
    let mut group = vec![coded(Relation::AcquisitionContext, &codes::MODALITY, &codes::ULTRASOUND)];
    group.extend(source(facts, clip, None, None));
    group.push(image(None, SUMMARY.class, &facts.uid(SUMMARY.kind).to_string(), None));
    let group = container(&codes::IMAGE_LIBRARY_GROUP, "1600", group);
    container(&codes::IMAGE_LIBRARY, "1600", vec![group])
}

/// The clip, or one frame of it, if there is one.
fn source(facts: &Facts, clip: &Clip, name: Option<&Code>, frame: Option<usize>) -> Option<Data> {
    let uid = || facts.uid(CLIP.kind).to_string();
    (!clip.is_empty()).then(|| image(name, CLIP.class, &uid(), frame))
}

/// What a group is about, so that it is found again.
fn group(facts: &Facts, kind: &str, title: &str, content: Vec<Data>) -> Data {
    let context = Relation::ObservationContext;
    let mut all = vec![
        words(context, &codes::TRACKING, title),
        named(context, &codes::TRACKING_UID, &facts.uid(kind).to_string()),
    ];
    all.extend(content);
    container(&codes::MEASUREMENT_GROUP, "1501", all)
}

/// What the program found.
fn verdict(facts: &Facts, material: &Material) -> Data {
    let record = facts.record();
    let (means, evidence) = (&record.means, &record.evidence);
    let modifier = Relation::ConceptModifier;
    let mut content: Vec<Data> = site(facts).into_iter().collect();
    let (name, version) = means.bundle.rsplit_once(' ').unwrap_or((&means.bundle, "unknown"));
    let parameters = format!(
        "bundle SHA-256 {}, configuration SHA-256 {}, Sonolamp {}",
        means.bundle_digest, means.configuration_digest, means.version
    );
    content.push(words(modifier, &codes::ALGORITHM_NAME, &format!("Sonolamp bundle {name}")));
    content.push(words(modifier, &codes::ALGORITHM_VERSION, version));
    content.push(words(modifier, &codes::ALGORITHM_PARAMETERS, &parameters));
    // The frame that speaks most for it.
    let frame = material.key.as_ref().map(|key| key.frame + 1);
    content.extend(source(facts, &material.clip, Some(&codes::SOURCE), frame));
    let probability = format!("{:.4}", evidence.probability);
    content.push(number(&codes::PROBABILITY, &probability, &codes::NO_UNIT));
    let usable = format!("{:.2}", evidence.usable.as_secs_f64());
    content.push(number(&codes::USABLE, &usable, &codes::SECONDS));
    let word = record.verdict.word();
    let spoken = Code::own(word, word);
    content.push(coded(Relation::Contains, &codes::VERDICT, &spoken));
    if let Some(reason) = record.verdict.reason() {
        content.push(words(Relation::Contains, &codes::REASON, reason.words()));
    }
    content.push(words(Relation::Contains, &codes::COMMENT, &facts.meaning()));
    group(facts, "verdict", "Screening verdict", content)
}

/// Where in the body: organ, side, and the protocol's zone.
fn site(facts: &Facts) -> Option<Data> {
    let organ = match facts.organ()? {
        Organ::Lung => &codes::LUNG,
        Organ::Breast => &codes::BREAST,
    };
    let mut site = coded(Relation::ConceptModifier, &codes::FINDING_SITE, organ);
    let mut within = Vec::new();
    if let Some(side) = facts.side() {
        let side = if side == 'R' { &codes::RIGHT } else { &codes::LEFT };
        within.push(coded(Relation::ConceptModifier, &codes::LATERALITY, side));
    }
    if !facts.zone().is_empty() {
        let zone = Code::own(&Uid::of_text(facts.zone()).short(), facts.zone());
        within.push(coded(Relation::ConceptModifier, &codes::MODIFIER, &zone));
    }
    if !within.is_empty() {
        items(&mut site, tags::CONTENT_SEQUENCE, within);
    }
    Some(site)
}

/// What people entered: score, reading, vital signs.
fn entered(facts: &Facts) -> Vec<Data> {
    let Some(place) = &facts.record().place else { return Vec::new() };
    let mut groups = Vec::new();
    let mut own = Vec::new();
    if let Some(score) = place.score {
        own.push(number(&codes::SCORE, &score.to_string(), &codes::POINTS));
    }
    if let Some(reading) = &place.reading {
        let spoken = Code::own(reading, reading);
        own.push(coded(Relation::Contains, &codes::READING, &spoken));
    }
    if !own.is_empty() {
        own.splice(..0, site(facts));
        groups.push(group(facts, "entered", "Entered by people", own));
    }
    let signs = vital_signs(&place.vital_signs);
    if !signs.is_empty() {
        groups.push(group(facts, "vital signs", "Vital signs", signs));
    }
    groups
}

fn vital_signs(signs: &VitalSigns) -> Vec<Data> {
    let measured = [
        (signs.spo2, codes::SPO2, codes::PERCENT),
        (signs.respiratory_rate, codes::RESPIRATORY_RATE, codes::PER_MINUTE),
        (signs.temperature, codes::TEMPERATURE, codes::CELSIUS),
        (signs.age_months.map(f32::from), codes::AGE, codes::MONTHS),
    ];
    let known = measured.into_iter().filter_map(|(value, name, unit)| Some((value?, name, unit)));
    known.map(|(value, name, unit)| number(&name, &value.to_string(), &unit)).collect()
}

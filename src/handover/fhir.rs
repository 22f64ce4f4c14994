//! An exam as FHIR R4: a collection with report, observations, device, study and a patient who has a
//! name only where it may be told.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::dicom::birth_date;
use super::facts::{Facts, clock, date};
use super::{Clip, dicom};
use crate::protocol::VitalSigns;

const LOINC: &str = "http://loinc.org";
const UNITS: &str = "http://unitsofmeasure.org";
const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
const OWN: &str = "urn:sonolamp:words";

/// The bundle of resources, as a file.
pub fn bundle(facts: &Facts, clip: &Clip) -> String {
    let mut entries = vec![patient(facts), device(facts), study(facts, clip)];
    let observations = observations(facts);
    let results: Vec<_> = observations.iter().map(|(kind, _)| reference(facts, kind)).collect();
    entries.push(report(facts, &results));
    entries.extend(observations.into_iter().map(|(kind, resource)| entry(facts, kind, resource)));
    let bundle = json!({
        "resourceType": "Bundle",
        "type": "collection",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": urn(facts, "bundle")},
        "entry": entries,
    });
    format!("{bundle:#}\n")
}

fn urn(facts: &Facts, kind: &str) -> String {
    // Patient and study are the visit's, all else the exam's.
    let of_visit = ["patient", "study"].contains(&kind);
    let uid = if of_visit { facts.visit_uid(kind) } else { facts.uid(kind) };
    format!("urn:uuid:{}", uid.uuid())
}

fn reference(facts: &Facts, kind: &str) -> Value {
    json!({"reference": urn(facts, kind)})
}

fn entry(facts: &Facts, kind: &str, resource: Value) -> Value {
    json!({"fullUrl": urn(facts, kind), "resource": resource})
}

/// A time, or why there is none.
fn set_time(resource: &mut Value, key: &str, time: Option<OffsetDateTime>, facts: &Facts) {
    match time {
        Some(time) => resource[key] = json!(format!("{}T{}Z", date(time), clock(time))),
        None => {
            let why = if facts.identified() { "unknown" } else { "masked" };
            let absent = json!([{"url": ABSENT, "valueCode": why}]);
            resource[format!("_{key}")] = json!({"extension": absent});
        }
    }
}

fn patient(facts: &Facts) -> Value {
    let patient = &facts.record().patient;
    let mut resource = json!({
        "resourceType": "Patient",
        "identifier": [{"value": patient.number}],
    });
    if facts.identified() {
        if !patient.name.is_empty() {
            resource["name"] = json!([{"text": patient.name}]);
        }
        if let Some(born) = birth_date(&patient.born) {
            let born = format!("{}-{}-{}", &born[..4], &born[4..6], &born[6..]);
            resource["birthDate"] = json!(born);
        }
        let gender = match patient.sex.chars().next().map(|c| c.to_ascii_uppercase()) {
            Some('M') => "male",
            Some('F') => "female",
            Some('O') => "other",
            _ => "unknown",
        };
        resource["gender"] = json!(gender);
    }
    entry(facts, "patient", resource)
}

/// The program with its bundle.
fn device(facts: &Facts) -> Value {
    let means = &facts.record().means;
    let uid = facts.device_uid().to_string();
    let mut resource = json!({
        "resourceType": "Device",
        "identifier": [{"system": "urn:dicom:uid", "value": format!("urn:oid:{uid}")}],
        "manufacturer": "Sonolamp",
        "deviceName": [{"name": format!("Sonolamp, bundle {}", means.bundle), "type": "model-name"}],
        "version": [
            {"type": {"text": "program"}, "value": means.version},
            {"type": {"text": "bundle SHA-256"}, "value": means.bundle_digest},
            {"type": {"text": "configuration SHA-256"}, "value": means.configuration_digest},
        ],
        "note": [{"text": super::NOTICE}],
    });
    if !means.device.is_empty() {
        resource["distinctIdentifier"] = json!(means.device);
    }
    entry(facts, "device", resource)
}

/// The DICOM files beside this one.
fn study(facts: &Facts, clip: &Clip) -> Value {
    let instances = dicom::INSTANCES.iter().skip(usize::from(clip.is_empty()));
    let series: Vec<_> = instances
        .map(|instance| {
            let class = format!("urn:oid:{}", instance.class);
            json!({
                "uid": facts.uid(&format!("series {}", instance.kind)).to_string(),
                "number": instance.number,
                "modality": {
                    "system": "http://dicom.nema.org/resources/ontology/DCM",
                    "code": instance.modality,
                },
                "numberOfInstances": 1,
                "instance": [{
                    "uid": facts.uid(instance.kind).to_string(),
                    "sopClass": {"system": "urn:ietf:rfc:3986", "code": class},
                }],
            })
        })
        .collect();
    let uid = facts.study_uid();
    let mut resource = json!({
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": format!("urn:oid:{uid}")}],
        "status": "available",
        "subject": reference(facts, "patient"),
        "numberOfSeries": series.len(),
        "numberOfInstances": series.len(),
        "series": series,
    });
    set_time(&mut resource, "started", facts.dates()[0], facts);
    entry(facts, "study", resource)
}

fn report(facts: &Facts, results: &[Value]) -> Value {
    let record = facts.record();
    let mut conclusion = vec![format!("Screening verdict: {}.", record.verdict.word())];
    conclusion.push(facts.meaning());
    conclusion.extend(facts.caveats().into_iter().map(str::to_owned));
    let mut resource = json!({
        "resourceType": "DiagnosticReport",
        "status": "preliminary",
        "category": [coding("http://terminology.hl7.org/CodeSystem/v2-0074", "RUS", "Radiology Ultrasound")],
        "code": coding("http://snomed.info/sct", "16310003", "Diagnostic ultrasonography"),
        "subject": reference(facts, "patient"),
        "imagingStudy": [reference(facts, "study")],
        "result": results,
        "conclusion": conclusion.join(" "),
    });
    set_time(&mut resource, "effectiveDateTime", facts.dates()[1], facts);
    entry(facts, "report", resource)
}

fn coding(system: &str, code: &str, words: &str) -> Value {
    json!({"coding": [{"system": system, "code": code, "display": words}], "text": words})
}

fn quantity(value: f64, unit: &str, code: &str) -> Value {
    json!({"value": value, "unit": unit, "system": UNITS, "code": code})
}

/// Each with what its name is made from.
fn observations(facts: &Facts) -> Vec<(&'static str, Value)> {
    let record = facts.record();
    let by_program = |kind: &'static str, words: &str, value: (&str, Value)| {
        let mut resource = observation(facts, coding(OWN, kind, words), value);
        resource["device"] = reference(facts, "device");
        (kind, resource)
    };
    let word = record.verdict.word();
    let spoken = ("valueCodeableConcept", coding(OWN, word, word));
    let (_, mut verdict) = by_program("verdict", "Screening verdict", spoken);
    verdict["note"] = json!([{"text": facts.meaning()}]);
    // As the report writes it: four digits.
    let probability = (f64::from(record.evidence.probability) * 1e4).round() / 1e4;
    let probability = ("valueQuantity", quantity(probability, "1", "1"));
    let mut all = vec![
        ("verdict", verdict),
        by_program("probability", "Calibrated probability of referring", probability),
    ];
    let Some(place) = &record.place else { return all };
    if let Some(score) = place.score {
        let code = coding(OWN, "zone-score", "Operator's score of the zone, 0 to 3");
        all.push(("zone-score", observation(facts, code, ("valueInteger", json!(score)))));
    }
    if let Some(reading) = &place.reading {
        let code = coding(OWN, "reading", "Clinician's own reading");
        let value = ("valueCodeableConcept", coding(OWN, reading, reading));
        all.push(("reading", observation(facts, code, value)));
    }
    all.extend(vital_signs(facts, &place.vital_signs));
    all
}

fn observation(facts: &Facts, code: Value, value: (&str, Value)) -> Value {
    let mut resource = json!({
        "resourceType": "Observation",
        "status": "preliminary",
        "code": code,
        "subject": reference(facts, "patient"),
        value.0: value.1,
    });
    if !facts.zone().is_empty() {
        resource["bodySite"] = json!({"text": facts.zone()});
    }
    set_time(&mut resource, "effectiveDateTime", facts.dates()[1], facts);
    resource
}

fn vital_signs(facts: &Facts, signs: &VitalSigns) -> Vec<(&'static str, Value)> {
    let saturation = json!({
        "coding": [
            {"system": LOINC, "code": "2708-6", "display": "Oxygen saturation in Arterial blood"},
            {
                "system": LOINC,
                "code": "59408-5",
                "display": "Oxygen saturation in Arterial blood by Pulse oximetry",
            },
        ],
        "text": "SpO2",
    });
    let rate = coding(LOINC, "9279-1", "Respiratory rate");
    let temperature = coding(LOINC, "8310-5", "Body temperature");
    let measured = [
        ("spo2", signs.spo2, saturation, "%", "%"),
        ("respiratory-rate", signs.respiratory_rate, rate, "breaths/minute", "/min"),
        ("temperature", signs.temperature, temperature, "°C", "Cel"),
    ];
    let category = coding(
        "http://terminology.hl7.org/CodeSystem/observation-category",
        "vital-signs",
        "Vital Signs",
    );
    let known = measured.into_iter().filter_map(|(kind, value, code, unit, symbol)| {
        // The decimal digits that were entered, not those of the nearest float.
        let value: f64 = value?.to_string().parse().ok()?;
        let value = ("valueQuantity", quantity(value, unit, symbol));
        let mut resource = observation(facts, code, value);
        resource["category"] = json!([category]);
        if let Some(fields) = resource.as_object_mut() {
            fields.remove("bodySite");
        }
        Some((kind, resource))
    });
    known.collect()
}

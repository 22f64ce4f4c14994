//! What leaves the box is whole, the same each time, and names nobody whom it must not name.

mod medium;

use std::io::Cursor;
use std::time::Duration;

use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_object::{FileDicomObject, InMemDicomObject};

use super::facts::Facts;
use super::*;
use crate::error::{Error, ErrorKind};
use crate::patient::Patient;
use crate::preprocess::Measures;
use crate::protocol::VitalSigns;
use crate::screening::{Evidence, Reason, Verdict};
use crate::snapshot::Area;
use crate::store::faulty::Faulty;
use crate::store::{ExamId, KeptFrame, Ledger, Means, Place};

type Object = FileDicomObject<InMemDicomObject>;

/// Stand in what is identified, and nowhere else.
const PLANTED: [&str; 6] =
    ["Xylander", "PN-77031", "1961", "Nurse Quill", "clinic-box-7", "/media/x"];

/// Frames of two sizes, an odd number of pixels each, and one without a picture.
fn frames() -> Vec<KeptFrame> {
    let boxes = [[3, 2, 18, 13], [5, 1, 20, 12], [0, 0, 0, 0]];
    let frame = |(number, [left, top, right, bottom]): (usize, [u32; 4])| {
        let bounds = Bounds { left, top, right, bottom };
        let timestamp = Duration::from_micros([1_000_000, 1_040_004, 1_090_000][number]);
        KeptFrame {
            measures: Measures { timestamp, ..Measures::default() },
            bounds,
            luma: (0..bounds.width() * bounds.height())
                .map(|i| (i * (number as u32 + 7) % 251) as u8 + 1)
                .collect(),
            ..KeptFrame::default()
        }
    };
    boxes.into_iter().enumerate().map(frame).collect()
}

fn when(time: u64) -> When {
    When { time, clock_set: true }
}

fn record() -> Record {
    let vital_signs = VitalSigns { age_months: Some(781), spo2: Some(86.5), ..Default::default() };
    Record {
        id: ExamId([7; 16]),
        visit: ExamId([6; 16]),
        started: when(1_790_000_000),
        ended: when(1_790_000_012),
        patient: Patient {
            name: "Xylander, Jöran".into(),
            number: "PN-77031".into(),
            born: "1961-04-30".into(),
            sex: "male".into(),
            accession: "ORDER-4711".into(),
            study: "1.2.826.0.1.4711".into(),
        },
        operator: "Nurse Quill".into(),
        place: Some(Place {
            protocol: "lung-8".into(),
            zone: "right upper anterior".into(),
            score: Some(2),
            reading: Some("refer".into()),
            vital_signs,
        }),
        means: Means {
            version: "0.1.0".into(),
            bundle: "lung 0.3.0".into(),
            bundle_digest: "0123456789abcdef".repeat(4),
            configuration_digest: "fedcba9876543210".repeat(4),
            device: "clinic-box-7".into(),
            source: "file:/media/x/scan.mp4".into(),
            demonstration: true,
        },
        verdict: Verdict::Refer,
        evidence: Evidence { probability: 0.93125, used: 2, frames: 3, ..Evidence::default() },
        ledger: Ledger { kept: 3, ..Ledger::default() },
    }
}

fn clip(frames: Vec<KeptFrame>) -> Clip {
    let count = frames.len();
    let again: Frames = Box::new(move || Ok(Box::new(frames.clone().into_iter().map(Ok))));
    Clip::gather(count, again, |_, _| Ok(())).unwrap()
}

fn material() -> Material {
    let frames = frames();
    let bounds = frames[1].bounds;
    let luma = frames[1].luma.clone();
    let mut key = Key { frame: 1, bounds, luma, ..Key::default() };
    key.heat.fill(2, &[4.0, -4.0, 0.0, 2.0], 4.0, Area::WHOLE);
    let clip = clip(frames);
    Material { record: record(), visit_started: when(1_789_999_000), clip, key: Some(key) }
}

fn written(parcels: &[Parcel]) -> Vec<Vec<u8>> {
    let bytes = |parcel: &Parcel| {
        let mut bytes = Vec::new();
        parcel.write(&mut bytes, |e| panic!("{e}")).unwrap();
        bytes
    };
    parcels.iter().map(bytes).collect()
}

/// As any reader gets them.
fn read_back(material: Material, privacy: Privacy) -> Vec<Object> {
    let written = written(&dicom(material, privacy).unwrap());
    written
        .into_iter()
        .map(|bytes| dicom_object::from_reader(Cursor::new(bytes)).unwrap())
        .collect()
}

fn value(object: &Object, name: &str) -> String {
    object.element_by_name(name).unwrap().to_str().unwrap().into_owned()
}

/// Of the structured report, at any depth: names of items and what they say.
fn said(object: &InMemDicomObject) -> Vec<String> {
    let meaning = |object: &InMemDicomObject, name: &str| {
        let items = object.element_by_name(name).ok()?.items()?.first()?;
        Some(items.element_by_name("CodeMeaning").ok()?.to_str().ok()?.into_owned())
    };
    let mut all = Vec::new();
    if let Some(concept) = meaning(object, "ConceptNameCodeSequence") {
        let text = object.element_by_name("TextValue").ok().and_then(|e| e.to_str().ok());
        let code = meaning(object, "ConceptCodeSequence");
        let measured = object.element_by_name("MeasuredValueSequence").ok();
        let number = measured.and_then(|m| {
            let item = m.items()?.first()?;
            Some(item.element_by_name("NumericValue").ok()?.to_str().ok()?.into_owned())
        });
        let what = text.map(|t| t.into_owned()).or(code).or(number).unwrap_or_default();
        all.push(format!("{concept}: {what}"));
    }
    let content = object.element_by_name("ContentSequence").ok().and_then(|e| e.items());
    content.into_iter().flatten().for_each(|item| all.extend(said(item)));
    all
}

#[test]
fn every_pixel_that_was_kept_is_in_the_clip_and_nothing_else() {
    let objects = read_back(material(), Privacy::Deidentified);
    let clip = &objects[0];
    assert_eq!(value(clip, "Columns"), "17");
    assert_eq!(value(clip, "Rows"), "12");
    assert_eq!(value(clip, "NumberOfFrames"), "3");
    assert_eq!(value(clip, "FrameTimeVector"), "0.00\\40.00\\50.00");
    assert_eq!(value(clip, "CineRate"), "22");
    let pixels = clip.element_by_name("PixelData").unwrap().to_bytes().unwrap();
    let mut expected = vec![0; 3 * 17 * 12];
    for (number, frame) in frames().iter().enumerate() {
        let Bounds { left, top, right, bottom } = frame.bounds;
        for (i, (y, x)) in
            (top..bottom).flat_map(|y| (left..right).map(move |x| (y, x))).enumerate()
        {
            // The canvas begins at column 3 and row 1.
            expected[number * 17 * 12 + (y as usize - 1) * 17 + x as usize - 3] = frame.luma[i];
        }
    }
    assert_eq!(pixels.as_ref(), expected);
    let summary = &objects[1];
    let size = |name| value(summary, name).parse::<usize>().unwrap();
    let rgb = summary.element_by_name("PixelData").unwrap().to_bytes().unwrap();
    assert_eq!(rgb.len(), 3 * size("Rows") * size("Columns"));
}

#[test]
fn a_clip_is_written_as_if_it_were_in_memory() {
    let parcel = dicom(material(), Privacy::Deidentified).unwrap().remove(0);
    let streamed = written(std::slice::from_ref(&parcel)).remove(0);
    let (mut pixels, mut whole) = (Vec::new(), parcel.object.clone());
    let mut take = |piece: &[u8]| {
        pixels.extend_from_slice(piece);
        Ok(())
    };
    parcel.clip.as_ref().unwrap().pixels(&mut take).unwrap();
    assert_eq!(pixels.len(), 3 * 17 * 12);
    let tag = dicom_dictionary_std::tags::PIXEL_DATA;
    whole.put(DataElement::new(tag, VR::OB, PrimitiveValue::from(pixels)));
    let mut bytes = Vec::new();
    whole.write_all(&mut bytes).unwrap();
    assert!(bytes == streamed);
    // An odd number of pixels.
    let parcel = Parcel { clip: Some(clip(vec![frames().remove(0); 3])), ..parcel };
    assert_eq!(written(std::slice::from_ref(&parcel))[0].len() % 2, 0);
}

#[test]
fn a_clip_that_changes_while_it_is_written_is_an_error() {
    for change in ["shorter", "longer", "elsewhere", "damaged"] {
        let passes = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let again: Frames = Box::new(move || {
            let mut all: Vec<_> = frames().into_iter().map(Ok).collect();
            let first = passes.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
            match change {
                _ if first => {}
                "shorter" => drop(all.pop()),
                "longer" => all.extend(frames().into_iter().map(Ok)),
                "elsewhere" => all[0].as_mut().unwrap().bounds.right += 9,
                _ => all[1] = Err(Error::new(ErrorKind::Storage, "the clip", "is torn", "mend it")),
            }
            Ok(Box::new(all.into_iter()))
        });
        let mut material = material();
        material.clip = Clip::gather(3, again, |_, _| Ok(())).unwrap();
        let (disk, words) =
            (Faulty::default(), if change == "damaged" { "torn" } else { "not as" });
        let error = write(&disk, material, Privacy::Deidentified, || {}).unwrap_err();
        assert!(error.problem.contains(words), "{change}: {error}");
        assert!(!disk.everything().contains_key("clip.dcm"), "{change}");
    }
}

#[test]
fn handed_over_twice_everything_is_the_same() {
    let once = |privacy| written(&dicom(material(), privacy).unwrap());
    assert_eq!(once(Privacy::Deidentified), once(Privacy::Deidentified));
    assert_eq!(once(Privacy::Identified), once(Privacy::Identified));
    let uids = |privacy| {
        let objects = read_back(material(), privacy);
        let names = ["SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"];
        let of = |object| names.map(|name| value(object, name));
        objects.iter().map(of).collect::<Vec<_>>()
    };
    let (without, with) = (uids(Privacy::Deidentified), uids(Privacy::Identified));
    for (a, b) in without.iter().flatten().zip(with.iter().flatten()) {
        assert!(a != b && a.starts_with("2.25.") && a.len() <= 44, "{a} {b}");
    }
    assert!(without.iter().all(|uids| uids[2] == without[0][2]), "one study");
    assert_ne!(without[0][1], without[1][1], "a series each");
    let mut other = material();
    other.record.id = ExamId([8; 16]);
    let other = read_back(other, Privacy::Deidentified);
    assert_eq!(value(&other[0], "StudyInstanceUID"), without[0][2], "of the same visit");
    assert_ne!(value(&other[0], "SOPInstanceUID"), without[0][0]);
    // What is known since, or a heat map, makes other objects of the same study.
    let mut amended = material();
    amended.record.place.as_mut().unwrap().score = Some(1);
    let mut unmarked = material();
    unmarked.key.as_mut().unwrap().heat = HeatMap::default();
    for changed in [amended, unmarked] {
        let changed = read_back(changed, Privacy::Deidentified);
        assert_ne!(value(&changed[2], "SOPInstanceUID"), without[2][0]);
        assert_eq!(value(&changed[2], "StudyInstanceUID"), without[2][2]);
    }
}

#[test]
fn only_what_is_identified_names_the_patient() {
    let files = |privacy| {
        let disk = Faulty::default();
        write(&disk, material(), privacy, || {}).unwrap();
        disk.everything()
    };
    const OF_OTHERS: [&str; 7] =
        ["scan.mp4", "J\u{f6}ran", "19610430", "781", "2026", "ORDER-4711", "1.2.826.0.1.4711"];
    let holds = |bytes: &[u8], word: &str| bytes.windows(word.len()).any(|w| w == word.as_bytes());
    let plain = files(Privacy::Deidentified);
    assert_eq!(plain.len(), 6, "{:?}", plain.keys());
    for (name, bytes) in &plain {
        for word in PLANTED.iter().chain(&OF_OTHERS) {
            assert!(!holds(bytes, word), "{name} holds {word}");
        }
    }
    let named = files(Privacy::Identified);
    for name in ["clip.dcm", "summary.dcm", "report.dcm"] {
        for word in ["Xylander^J\u{f6}ran", "PN-77031", "19610430", "Nurse Quill", "clinic-box-7"] {
            assert!(holds(&named[name], word), "{name} lacks {word}");
        }
        for word in ["ORDER-4711", "1.2.826.0.1.4711"] {
            assert!(holds(&named[name], word), "{name} lacks {word}");
        }
    }
    for word in PLANTED {
        assert!(holds(&named["page.html"], word), "the page lacks {word}");
    }
    for word in ["Xylander", "PN-77031", "1961-04-30", "clinic-box-7"] {
        assert!(holds(&named["fhir.json"], word), "FHIR lacks {word}");
    }
}

#[test]
fn removal_is_marked_as_the_standard_says() {
    for object in read_back(material(), Privacy::Deidentified) {
        assert_eq!(value(&object, "PatientIdentityRemoved"), "YES");
        assert_eq!(value(&object, "LongitudinalTemporalInformationModified"), "REMOVED");
        assert_eq!(value(&object, "StudyDate"), "");
        assert!(value(&object, "PatientName").starts_with("Anonymous^"));
        let methods = object.element_by_name("DeidentificationMethodCodeSequence").unwrap();
        let code = |item: &InMemDicomObject| {
            item.element_by_name("CodeValue").unwrap().to_str().unwrap().into_owned()
        };
        let codes: Vec<_> = methods.items().unwrap().iter().map(code).collect();
        assert_eq!(codes, ["113100", "113101", "113104", "113105"]);
    }
    for object in read_back(material(), Privacy::Identified) {
        assert_eq!(value(&object, "PatientIdentityRemoved"), "NO");
        assert_eq!(value(&object, "StudyDate"), "20260921");
        assert!(object.element_by_name("DeidentificationMethodCodeSequence").is_err());
    }
}

#[test]
fn the_report_says_what_was_found_by_whom() {
    let objects = read_back(material(), Privacy::Identified);
    let said = said(&objects[2]);
    for item in [
        "Calibrated probability of referring: 0.9312",
        "Screening verdict: refer",
        "Operator's score of the zone, 0 to 3: 2",
        "Clinician's own reading: refer",
        "Oxygen saturation in Arterial blood by Pulse oximetry: 86.5",
        "Age: 781",
        "Algorithm Name: Sonolamp bundle lung",
        "Algorithm Version: 0.3.0",
        "Finding Site: Lung",
        "Laterality: Right",
        "Topographical modifier: right upper anterior",
        "Comment: Date of the exam: 2026-09-21 14:13:20 UTC.",
    ] {
        assert!(said.iter().any(|s| s == item), "{item}: {said:#?}");
    }
    assert!(said.iter().any(|s| s.contains("DEMONSTRATION")));
    assert!(said.iter().any(|s| s.contains("DANGER SIGN") && s.contains("86.5")));
    assert_eq!(value(&objects[2], "VerificationFlag"), "UNVERIFIED");
}

#[test]
fn a_clock_that_was_not_set_gives_no_date() {
    let mut material = material();
    let never = When { time: 40, clock_set: false };
    (material.record.started, material.record.ended) = (never, never);
    material.visit_started = never;
    let objects = read_back(material, Privacy::Identified);
    assert_eq!(value(&objects[0], "StudyDate"), "");
    let words = "Comment: Date of the exam: unknown: the clock of the box had not been set.";
    assert!(said(&objects[2]).iter().any(|s| s == words));
}

#[test]
fn without_a_picture_there_is_no_clip() {
    let mut material = material();
    material.clip = clip(frames().split_off(2));
    material.key = None;
    material.record.verdict = Verdict::Ungradable(Reason::TooLittle);
    let objects = read_back(material, Privacy::Deidentified);
    let classes: Vec<_> =
        objects.iter().map(|o| o.meta().media_storage_sop_class_uid().to_owned()).collect();
    assert_eq!(classes, [SECONDARY_CAPTURE, COMPREHENSIVE_SR]);
    assert!(said(&objects[1]).iter().any(|s| s.starts_with("Reason of no verdict: too little")));
}

#[test]
fn fhir_refers_only_to_what_is_in_it() {
    let material = material();
    let facts = Facts::of(&material, Privacy::Deidentified);
    let bundle: serde_json::Value =
        serde_json::from_str(&fhir::bundle(&facts, &material.clip)).unwrap();
    let entries = bundle["entry"].as_array().unwrap();
    let urls: Vec<_> = entries.iter().map(|e| e["fullUrl"].as_str().unwrap()).collect();
    fn references<'a>(value: &'a serde_json::Value, into: &mut Vec<&'a str>) {
        match value {
            serde_json::Value::Object(fields) => {
                into.extend(fields.get("reference").and_then(|r| r.as_str()));
                fields.values().for_each(|value| references(value, into));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|i| references(i, into)),
            _ => {}
        }
    }
    let mut referred = Vec::new();
    references(&bundle, &mut referred);
    assert!(referred.len() > 10 && referred.iter().all(|r| urls.contains(r)), "{referred:?}");
    let of_type =
        |kind: &str| entries.iter().filter(|e| e["resource"]["resourceType"] == kind).count();
    assert_eq!((of_type("DiagnosticReport"), of_type("Observation"), of_type("Device")), (1, 5, 1));
    let patient = entries.iter().find(|e| e["resource"]["resourceType"] == "Patient").unwrap();
    assert!(patient["resource"].get("name").is_none());
}

#[test]
fn the_page_stands_alone_and_is_no_diagnosis() {
    let material = material();
    let facts = Facts::of(&material, Privacy::Identified);
    let page = page::html(&facts, &material).unwrap();
    assert!(page.contains("not a diagnosis") && page.contains("REFER"));
    assert_eq!(page.matches("src=\"data:image/png;base64,").count(), 2 + 3);
    assert_eq!(page.matches("src=").count(), 2 + 3, "nothing is fetched");
    assert_eq!(page.matches('<').count(), page.matches('>').count());
}

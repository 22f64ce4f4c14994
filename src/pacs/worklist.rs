//! C-FIND of the modality worklist (PS3.4 K): who is expected for an ultrasound examination.

use std::fmt;

use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_object::InMemDicomObject;
use serde::Serialize;

use super::association::{Association, IMPLICIT};
use super::message::{self, Request};
use super::{Peer, trouble};
use crate::error::Error;

const FIND: &str = "1.2.840.10008.5.1.4.31";
/// More is taken for a worklist that does not look at what is asked.
const MOST: usize = 500;
const PENDING: [u16; 2] = [0xff00, 0xff01];

const ACCESSION: Tag = Tag(0x0008, 0x0050);
const MODALITY: Tag = Tag(0x0008, 0x0060);
const NAME: Tag = Tag(0x0010, 0x0010);
const NUMBER: Tag = Tag(0x0010, 0x0020);
const BORN: Tag = Tag(0x0010, 0x0030);
const SEX: Tag = Tag(0x0010, 0x0040);
const STUDY: Tag = Tag(0x0020, 0x000d);
const STATION: Tag = Tag(0x0040, 0x0001);
const START_DATE: Tag = Tag(0x0040, 0x0002);
const START_TIME: Tag = Tag(0x0040, 0x0003);
const STEPS: Tag = Tag(0x0040, 0x0100);

/// Someone who is expected; what is not known is empty.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Scheduled {
    /// As DICOM writes it: `Family^Given`.
    pub name: String,
    pub number: String,
    /// 1961-04-30.
    pub born: String,
    /// F, M or O.
    pub sex: String,
    pub accession: String,
    /// The study's number (Study Instance UID).
    pub study: String,
    /// 09:30.
    pub time: String,
}

/// Names stand in it.
impl fmt::Debug for Scheduled {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Scheduled(..)")
    }
}

impl Peer {
    /// Who is expected on a day (YYYYMMDD), in order of time.
    pub fn worklist(&self, day: &str) -> Result<Vec<Scheduled>, Error> {
        self.guarded(|| {
            let contexts = [(FIND.to_owned(), vec![IMPLICIT.to_owned()])];
            let mut association = Association::open(self, &contexts)?;
            let request = Request::find(association.next_message(), FIND);
            let question = message::bytes(&question(day));
            association.send(FIND, IMPLICIT, &request, Some(&question))?;
            let mut expected = Vec::new();
            loop {
                let (reply, data) = association.answer(&request)?;
                if !PENDING.contains(&reply.status) {
                    if reply.status != message::SUCCESS {
                        association.abort();
                        return Err(trouble::status(self, reply.status));
                    }
                    break;
                }
                let answer = data.as_deref().and_then(message::parse);
                let answer = answer.ok_or_else(|| trouble::senseless(self, "its worklist"))?;
                if expected.len() == MOST {
                    association.abort();
                    return Err(trouble::senseless(self, "a worklist that has no end"));
                }
                expected.push(Scheduled::read(&answer));
            }
            association.release();
            expected.sort_by(|a, b| (&a.time, &a.name).cmp(&(&b.time, &b.name)));
            Ok(expected)
        })
    }
}

/// What is asked for: the step's own date and modality select, the rest is to be filled in.
fn question(day: &str) -> InMemDicomObject {
    let filled = |tag, vr, value: &str| DataElement::new(tag, vr, PrimitiveValue::from(value));
    let step = InMemDicomObject::from_element_iter([
        filled(MODALITY, VR::CS, "US"),
        filled(STATION, VR::AE, ""),
        filled(START_DATE, VR::DA, day),
        filled(START_TIME, VR::TM, ""),
    ]);
    InMemDicomObject::from_element_iter([
        filled(ACCESSION, VR::SH, ""),
        filled(NAME, VR::PN, ""),
        filled(NUMBER, VR::LO, ""),
        filled(BORN, VR::DA, ""),
        filled(SEX, VR::CS, ""),
        filled(STUDY, VR::UI, ""),
        DataElement::new(STEPS, VR::SQ, DataSetSequence::from(vec![step])),
    ])
}

impl Scheduled {
    fn read(answer: &InMemDicomObject) -> Scheduled {
        let text = |tag| text(answer, tag);
        let steps = answer.get(STEPS).and_then(|steps| steps.items());
        let step = steps.and_then(<[_]>::first);
        Scheduled {
            name: text(NAME),
            number: text(NUMBER),
            born: divided(&text(BORN), '-', &[4, 6], 8),
            sex: text(SEX),
            accession: text(ACCESSION),
            study: text(STUDY),
            time: step
                .map(|s| divided(&self::text(s, START_TIME), ':', &[2], 4))
                .unwrap_or_default(),
        }
    }
}

/// A value without what fills it up, and without what would move a terminal's cursor.
fn text(object: &InMemDicomObject, tag: Tag) -> String {
    let text = object.get(tag).and_then(|element| element.to_str().ok());
    let text = text.unwrap_or_default();
    text.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned()
}

/// The first `length` digits with a mark at some places; empty where they are not there.
fn divided(text: &str, mark: char, places: &[usize], length: usize) -> String {
    let digits = text.get(..length).filter(|t| t.bytes().all(|b| b.is_ascii_digit()));
    let mut divided = String::new();
    for (at, digit) in digits.unwrap_or_default().chars().enumerate() {
        if places.contains(&at) {
            divided.push(mark);
        }
        divided.push(digit);
    }
    divided
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_read_back() {
        let mut answer = message::parse(&message::bytes(&question("20260501"))).unwrap();
        let put = |answer: &mut InMemDicomObject, tag, vr, value: &str| {
            answer.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
        };
        put(&mut answer, NAME, VR::PN, "Doe^Jane");
        put(&mut answer, NUMBER, VR::LO, " 17\u{1b}[2J ");
        put(&mut answer, BORN, VR::DA, "19610430");
        let step = InMemDicomObject::from_element_iter([DataElement::new(
            START_TIME,
            VR::TM,
            PrimitiveValue::from("093000.000"),
        )]);
        answer.put(DataElement::new(STEPS, VR::SQ, DataSetSequence::from(vec![step])));
        let read = Scheduled::read(&message::parse(&message::bytes(&answer)).unwrap());
        assert_eq!((&read.name[..], &read.number[..]), ("Doe^Jane", "17[2J"));
        assert_eq!((&read.born[..], &read.time[..], &read.sex[..]), ("1961-04-30", "09:30", ""));
        assert_eq!(divided("1961", '-', &[4, 6], 8), "");
        assert_eq!(format!("{read:?} {read:#?}"), "Scheduled(..) Scheduled(..)");
    }
}

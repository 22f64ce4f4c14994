//! Commands and their answers (PS3.7 9.3 and E), and a look at received bytes before they are parsed.

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_encoding::text::SpecificCharacterSet;
use dicom_object::InMemDicomObject;
use dicom_transfer_syntax_registry::entries::IMPLICIT_VR_LITTLE_ENDIAN;

pub const SUCCESS: u16 = 0x0000;

const SOP_CLASS: Tag = Tag(0x0000, 0x0002);
const FIELD: Tag = Tag(0x0000, 0x0100);
const MESSAGE: Tag = Tag(0x0000, 0x0110);
const ANSWERED: Tag = Tag(0x0000, 0x0120);
const PRIORITY: Tag = Tag(0x0000, 0x0700);
const DATA_SET_TYPE: Tag = Tag(0x0000, 0x0800);
const STATUS: Tag = Tag(0x0000, 0x0900);
const SOP_INSTANCE: Tag = Tag(0x0000, 0x1000);

const STORE: u16 = 0x0001;
const FIND: u16 = 0x0020;
const ECHO: u16 = 0x0030;
/// Set in the field of answers.
const ANSWER: u16 = 0x8000;

const MEDIUM: u16 = 0x0000;
const NO_DATA: u16 = 0x0101;
const WITH_DATA: u16 = 0x0001;

/// Items in an answer, more than which is nonsense; so many bound its depth too.
const MOST_ITEMS: usize = 256;
const UNDEFINED: u32 = u32::MAX;
const ITEM: [u8; 4] = [0xfe, 0xff, 0x00, 0xe0];

pub struct Request {
    field: u16,
    number: u16,
    elements: Vec<(Tag, VR, PrimitiveValue)>,
}

impl Request {
    fn new(field: u16, number: u16, about: &str, data: u16) -> Request {
        let elements = vec![
            (SOP_CLASS, VR::UI, about.into()),
            (FIELD, VR::US, field.into()),
            (MESSAGE, VR::US, number.into()),
            (DATA_SET_TYPE, VR::US, data.into()),
        ];
        Request { field, number, elements }
    }

    pub fn echo(number: u16, about: &str) -> Request {
        Request::new(ECHO, number, about, NO_DATA)
    }

    pub fn find(number: u16, about: &str) -> Request {
        let mut request = Request::new(FIND, number, about, WITH_DATA);
        request.elements.push((PRIORITY, VR::US, MEDIUM.into()));
        request
    }

    pub fn store(number: u16, about: &str, instance: &str) -> Request {
        let mut request = Request::new(STORE, number, about, WITH_DATA);
        request.elements.push((PRIORITY, VR::US, MEDIUM.into()));
        request.elements.push((SOP_INSTANCE, VR::UI, instance.into()));
        request
    }

    pub fn bytes(&self) -> Vec<u8> {
        let element = |(tag, vr, value): &(Tag, VR, PrimitiveValue)| {
            DataElement::new(*tag, *vr, value.clone())
        };
        let elements = self.elements.iter().map(element);
        let command = InMemDicomObject::command_from_element_iter(elements);
        bytes(&command)
    }
}

/// A few elements in implicit VR little endian.
pub fn bytes(elements: &InMemDicomObject) -> Vec<u8> {
    let mut bytes = Vec::new();
    // It cannot fail: there is nothing in them that has no form, and they are written to memory.
    let _ = elements.write_dataset_with_ts(&mut bytes, &IMPLICIT_VR_LITTLE_ENDIAN.erased());
    bytes
}

pub struct Reply {
    pub status: u16,
    pub has_data: bool,
    field: u16,
    to: u16,
}

impl Reply {
    pub fn read(bytes: &[u8]) -> Option<Reply> {
        let command = parse(bytes)?;
        let word = |tag| command.get(tag)?.to_int::<u16>().ok();
        let (status, data) = (word(STATUS)?, word(DATA_SET_TYPE)?);
        Some(Reply { status, has_data: data != NO_DATA, field: word(FIELD)?, to: word(ANSWERED)? })
    }

    pub fn answers(&self, request: &Request) -> bool {
        self.field == request.field | ANSWER && self.to == request.number
    }
}

/// Received elements, in implicit VR little endian; text without a declared character set is taken
/// for UTF-8.
pub fn parse(bytes: &[u8]) -> Option<InMemDicomObject> {
    let syntax = IMPLICIT_VR_LITTLE_ENDIAN.erased();
    let text = SpecificCharacterSet::ISO_IR_192;
    let read = || InMemDicomObject::read_dataset_with_ts_cs(bytes, &syntax, text).ok();
    fits(bytes).then(read).flatten()
}

/// Whether every element fits into what was received, and there are not too many items: the parser
/// reserves what an element claims and goes as deep as items lie.
fn fits(bytes: &[u8]) -> bool {
    let (mut rest, mut items) = (bytes, 0);
    while !rest.is_empty() {
        let Some((header, value)) = rest.split_first_chunk::<8>() else { return false };
        let [a, b, c, d, length @ ..] = *header;
        let length = u32::from_le_bytes(length);
        items += usize::from([a, b, c, d] == ITEM);
        if items > MOST_ITEMS {
            return false;
        }
        let inside = length == UNDEFINED || [a, b, c, d] == ITEM || value.starts_with(&ITEM);
        let skipped = if inside { 0 } else { length as usize };
        if length != UNDEFINED && length as usize > value.len() {
            return false;
        }
        rest = &value[skipped..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: [u8; 4], length: u32, value: &[u8]) -> Vec<u8> {
        [&tag, &length.to_le_bytes()[..], value].concat()
    }

    #[test]
    fn a_request_is_read_back() {
        let bytes = Request::store(7, "1.2.3", "1.2.3.4").bytes();
        let command = parse(&bytes).unwrap();
        assert_eq!(command.get(SOP_INSTANCE).unwrap().to_str().unwrap(), "1.2.3.4");
        assert_eq!(command.get(MESSAGE).unwrap().to_int::<u16>().unwrap(), 7);
        let length = command.get(Tag(0, 0)).unwrap().to_int::<usize>().unwrap();
        assert_eq!(length, bytes.len() - 12);
    }

    #[test]
    fn an_answer_must_be_to_what_was_asked() {
        let words = [(FIELD, ECHO | ANSWER), (ANSWERED, 7), (DATA_SET_TYPE, NO_DATA), (STATUS, 0)];
        let bytes: Vec<u8> = words
            .iter()
            .flat_map(|(Tag(group, number), word)| {
                let [a, b] = group.to_le_bytes();
                let [c, d] = number.to_le_bytes();
                element([a, b, c, d], 2, &word.to_le_bytes())
            })
            .collect();
        let reply = Reply::read(&bytes).unwrap();
        assert!(reply.answers(&Request::echo(7, "1.2")) && !reply.has_data);
        assert!(!reply.answers(&Request::echo(8, "1.2")));
        assert!(!reply.answers(&Request::find(7, "1.2")));
    }

    #[test]
    fn lengths_that_lie_and_endless_depth_are_refused() {
        let name = [0x10, 0x00, 0x10, 0x00];
        assert!(fits(&element(name, 4, b"Doe ")));
        assert!(!fits(&element(name, 4_000_000_000, b"Doe ")));
        assert!(!fits(&element(name, 6, b"Doe ")));
        assert!(!fits(&[0x10, 0x00, 0x10]));
        let steps = [0x40, 0x00, 0x00, 0x01];
        let nested = element(steps, 12, &element(ITEM, 4_000_000_000, b"Doe "));
        assert!(!fits(&nested));
        let level = [element(steps, UNDEFINED, b""), element(ITEM, UNDEFINED, b"")].concat();
        assert!(fits(&level.repeat(MOST_ITEMS)));
        assert!(!fits(&level.repeat(MOST_ITEMS + 1)));
        assert!(parse(&level.repeat(2000)).is_none());
    }
}

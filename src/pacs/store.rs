//! C-STORE: an exam's objects, one after the other in one association.
//!
//! An exam has arrived once every object was answered with status 0000. Warnings count as failures:
//! the PACS then holds something else than was sent.

use std::collections::BTreeMap;

use dicom_object::{FileDicomObject, InMemDicomObject};
use dicom_transfer_syntax_registry::{TransferSyntaxIndex, TransferSyntaxRegistry};

use super::association::{Association, IMPLICIT};
use super::message::{self, Request};
use super::{Peer, trouble};
use crate::error::{Error, ErrorKind};

const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// What is sent: attributes, and what a file's header says of them.
pub type Object = FileDicomObject<InMemDicomObject>;

/// An object as it is sent, uncompressed where its pixels are apart.
pub struct Item<'a> {
    pub object: &'a Object,
    /// The object's own, where there are none.
    pub pixels: Option<Pixels<'a>>,
}

/// So many bytes of pixels, which are read as they are sent.
pub struct Pixels<'a> {
    pub length: u64,
    pub read: Read<'a>,
}

/// Reads all pixels into a sink, again if asked again.
pub type Read<'a> = Box<dyn Fn(Sink) -> Result<(), Error> + 'a>;

/// Takes bytes, a piece at a time.
pub type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<(), Error>;

/// Why the objects are not there as a whole.
#[derive(Debug)]
pub struct Undelivered {
    pub error: Error,
    /// Objects of which the PACS said that it has them.
    pub taken: usize,
    /// One more was on its way: the PACS may have it or not.
    pub unclear: bool,
    /// Nothing was wrong with the objects: another exam would fare no better now.
    pub peer: bool,
}

impl From<Error> for Undelivered {
    fn from(error: Error) -> Undelivered {
        Undelivered { error, taken: 0, unclear: false, peer: true }
    }
}

/// An object's class, number and transfer syntax.
struct Header<'a> {
    class: &'a str,
    instance: &'a str,
    syntax: &'a str,
}

impl<'a> Header<'a> {
    fn of(object: &'a Object) -> Header<'a> {
        let plain = |uid: &'a str| uid.trim_end_matches(['\0', ' ']);
        let meta = object.meta();
        Header {
            class: plain(meta.media_storage_sop_class_uid()),
            instance: plain(meta.media_storage_sop_instance_uid()),
            syntax: plain(meta.transfer_syntax()),
        }
    }

    /// The transfer syntaxes it can be sent in.
    fn syntaxes(&self) -> Vec<String> {
        let mut syntaxes = vec![self.syntax.to_owned()];
        // What is not compressed loses nothing when it is written the other way.
        if self.syntax == EXPLICIT {
            syntaxes.push(IMPLICIT.to_owned());
        }
        syntaxes
    }

    /// In which of them the PACS takes it.
    fn accepted(&self, association: &Association) -> Option<String> {
        self.syntaxes().into_iter().find(|s| association.context(self.class, s).is_some())
    }
}

impl Peer {
    /// Sends objects that are in memory as a whole.
    pub fn store(&self, objects: &[Object]) -> Result<(), Undelivered> {
        let item = |object| Item { object, pixels: None };
        self.deliver(&objects.iter().map(item).collect::<Vec<_>>(), &mut |_| ())
    }

    /// Sends all objects of an exam; `told` hears how many have arrived, after each.
    pub fn deliver(&self, items: &[Item], told: &mut dyn FnMut(usize)) -> Result<(), Undelivered> {
        let (mut taken, mut under_way, mut peer) = (0, false, true);
        let outcome = self.guarded(|| {
            let headers: Vec<Header> = items.iter().map(|item| Header::of(item.object)).collect();
            let contexts: BTreeMap<(&str, &str), Vec<String>> =
                headers.iter().map(|h| ((h.class, h.syntax), h.syntaxes())).collect();
            let contexts: Vec<(String, Vec<String>)> = contexts
                .into_iter()
                .map(|((class, _), syntaxes)| (class.to_owned(), syntaxes))
                .collect();
            let mut association = Association::open(self, &contexts)?;
            // Looked at before anything is sent, so that no part of an exam arrives for nothing.
            peer = false;
            let mut syntaxes = Vec::new();
            for header in &headers {
                let Some(syntax) = header.accepted(&association) else {
                    association.abort();
                    return Err(trouble::not_taken_so(self, header.class, header.syntax));
                };
                syntaxes.push(syntax);
            }
            for ((item, header), syntax) in items.iter().zip(&headers).zip(&syntaxes) {
                // Written to memory first: what cannot be written must not arrive cut short.
                let bytes = encode(item, syntax)?;
                let number = association.next_message();
                let request = Request::store(number, header.class, header.instance);
                under_way = true;
                let sent = association.stream(header.class, syntax, &request, |sink| {
                    sink(&bytes)?;
                    let Some(pixels) = &item.pixels else { return Ok(()) };
                    (pixels.read)(sink)?;
                    sink(if pixels.length % 2 == 1 { &[0] } else { &[] })
                });
                if let Err(error) = sent {
                    // What was cut short is taken for nothing.
                    association.abort();
                    return Err(error);
                }
                let (reply, _) = association.answer(&request)?;
                under_way = false;
                if reply.status != message::SUCCESS {
                    association.abort();
                    // Out of room: for every exam.
                    peer = matches!(reply.status, 0xa700..=0xa7ff);
                    return Err(trouble::status(self, reply.status));
                }
                taken += 1;
                told(taken);
            }
            association.release();
            Ok(())
        });
        outcome.map_err(|error| Undelivered { error, taken, unclear: under_way, peer })
    }
}

/// An object's attributes, and where its pixels follow what stands before them.
fn encode(item: &Item, syntax: &str) -> Result<Vec<u8>, Error> {
    let failed = |why: &str| {
        let problem = format!("cannot be written in transfer syntax {syntax} ({why})");
        Error::new(ErrorKind::Input, "the object", problem, "report this to the makers of Sonolamp")
    };
    let known = TransferSyntaxRegistry.get(syntax).ok_or_else(|| failed("it is not known"))?;
    let mut bytes = Vec::new();
    item.object.write_dataset_with_ts(&mut bytes, known).map_err(|e| failed(&e.to_string()))?;
    if let Some(pixels) = &item.pixels {
        let length = u32::try_from(pixels.length.next_multiple_of(2));
        let length = length.map_err(|_| failed("its pixels are too many"))?;
        bytes.extend([0xe0, 0x7f, 0x10, 0x00]);
        if syntax != IMPLICIT {
            bytes.extend([b'O', b'B', 0, 0]);
        }
        bytes.extend(length.to_le_bytes());
    }
    Ok(bytes)
}

//! Against a PACS that answers as a script says; `tests/pacs.rs` talks to real ones.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use dicom_ul::association::server::{ServerAssociation, ServerAssociationOptions};
use dicom_ul::pdu::{PDataValue, PDataValueType, Pdu};

use super::*;

const REPORT: &str = "1.2.840.10008.5.1.4.1.1.88.33";
const CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";
const WORKLIST: &str = "1.2.840.10008.5.1.4.31";

type Server = ServerAssociation<TcpStream>;

fn peer(port: u16) -> Peer {
    Peer {
        host: "127.0.0.1".into(),
        port,
        called: "PACS".into(),
        calling: "SONOLAMP".into(),
        tls: None,
        connect: Duration::from_secs(5),
        answer: Duration::from_secs(1),
    }
}

/// A PACS for one association that knows these classes; what the script has to say is received.
fn pacs<T: Send + 'static>(
    classes: &'static [&'static str],
    script: impl FnOnce(Server) -> T + Send + 'static,
) -> (Peer, Receiver<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut options = ServerAssociationOptions::new().accept_called_ae_title().ae_title("PACS");
        for class in classes {
            options = options.with_abstract_syntax(*class);
        }
        if let Ok(server) = options.establish(listener.accept().unwrap().0) {
            let _ = sender.send(script(server));
        }
    });
    (peer(port), receiver)
}

/// A PACS that takes whatever comes, one association after the other, as long as it `may`: so many
/// objects more. It tells how many each association brought.
pub(crate) fn taking(may: Arc<AtomicUsize>) -> (Peer, Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for client in listener.incoming() {
            let options = ServerAssociationOptions::new().accept_any().ae_title("PACS");
            let options = options.promiscuous(true);
            let Ok(mut server) = options.establish(client.unwrap()) else { continue };
            let mut taken = 0;
            while let Some((context, number, _)) = take(&mut server) {
                let one = |may: usize| may.checked_sub(1);
                while may.fetch_update(SeqCst, SeqCst, one).is_err() {
                    thread::sleep(Duration::from_millis(10));
                }
                say(&mut server, answer(context, number, 0x8001, 0, None));
                taken += 1;
            }
            let _ = sender.send(taken);
        }
    });
    (Peer { answer: Duration::from_secs(60), ..peer(port) }, receiver)
}

/// A whole message: its context, the request's number and the data that belong to it.
fn take(server: &mut Server) -> Option<(u8, u16, Vec<u8>)> {
    let (mut command, mut data) = (Vec::new(), Vec::new());
    loop {
        let Ok(Pdu::PData { data: values }) = server.receive() else { return None };
        for value in values {
            let is_command = value.value_type == PDataValueType::Command;
            let into = if is_command { &mut command } else { &mut data };
            into.extend(value.data);
            let request = message::parse(&command).filter(|_| value.is_last);
            let word = |tag| request.as_ref()?.get(tag)?.to_int::<u16>().ok();
            let (number, kind) = (word(Tag(0, 0x0110)), word(Tag(0, 0x0800)));
            if number.is_some() && (!is_command || kind == Some(0x0101)) {
                return Some((value.presentation_context_id, number?, data));
            }
        }
    }
}

/// What answers request `number`, as it travels.
fn answer(
    context: u8,
    number: u16,
    field: u16,
    status: u16,
    data: Option<Vec<u8>>,
) -> Vec<PDataValue> {
    let word = |tag, word: u16| DataElement::new(Tag(0, tag), VR::US, PrimitiveValue::from(word));
    let kind = if data.is_some() { 0x0001 } else { 0x0101 };
    let command = InMemDicomObject::command_from_element_iter([
        word(0x0100, field),
        word(0x0120, number),
        word(0x0800, kind),
        word(0x0900, status),
    ]);
    let value = |value_type, data| PDataValue {
        presentation_context_id: context,
        value_type,
        is_last: true,
        data,
    };
    let command = value(PDataValueType::Command, message::bytes(&command));
    [command].into_iter().chain(data.map(|d| value(PDataValueType::Data, d))).collect()
}

fn say(server: &mut Server, data: Vec<PDataValue>) {
    let _ = server.send(&Pdu::PData { data });
}

/// An object of some size, so that it travels in pieces.
fn object(class: &str, number: u8) -> Object {
    let text = |tag, vr, text: &str| DataElement::new(tag, vr, PrimitiveValue::from(text));
    let pixels = (0..100_001).map(|i| (i * usize::from(number)) as u8).collect::<Vec<u8>>();
    let elements = InMemDicomObject::from_element_iter([
        text(Tag(0x0008, 0x0005), VR::CS, "ISO_IR 192"),
        text(Tag(0x0008, 0x0016), VR::UI, class),
        text(Tag(0x0008, 0x0018), VR::UI, &format!("1.2.3.{number}")),
        text(Tag(0x0010, 0x0010), VR::PN, "Müller^Änne"),
        DataElement::new(Tag(0x0009, 0x1010), VR::OB, PrimitiveValue::from(pixels)),
    ]);
    let meta = FileMetaTableBuilder::new().transfer_syntax("1.2.840.10008.1.2.1");
    elements.with_meta(meta).unwrap()
}

#[test]
fn objects_arrive_whole_and_in_order() {
    let (peer, said) = pacs(&[REPORT, CAPTURE], |mut server| {
        let mut taken = Vec::new();
        while let Some((context, number, data)) = take(&mut server) {
            say(&mut server, answer(context, number, 0x8001, 0, None));
            taken.push(data);
        }
        taken
    });
    let objects = [object(CAPTURE, 1), object(REPORT, 2), object(CAPTURE, 3)];
    peer.store(&objects).unwrap();
    let taken = said.recv().unwrap();
    assert_eq!(taken.len(), 3);
    for (object, data) in objects.iter().zip(taken) {
        let mut bytes = Vec::new();
        object.write_dataset(&mut bytes).unwrap();
        assert!(data == bytes);
    }
}

#[test]
fn nothing_but_success_counts() {
    for status in [0x0111, 0x0122, 0x0124, 0xa701, 0xa900, 0xb000, 0xb007, 0xc001, 0x0001] {
        let (peer, _) = pacs(&[REPORT], move |mut server| {
            for status in [0, status] {
                let Some((context, number, _)) = take(&mut server) else { return };
                say(&mut server, answer(context, number, 0x8001, status, None));
            }
            take(&mut server);
        });
        let failed = peer.store(&[object(REPORT, 1), object(REPORT, 2)]).unwrap_err();
        assert_eq!((failed.taken, failed.unclear), (1, false), "{status:04x}");
        assert_eq!(failed.peer, status == 0xa701);
        assert!(failed.error.problem.contains(&format!("{status:04X}")), "{}", failed.error);
    }
}

/// What becomes of an exam of two objects where the script takes over at the second.
fn at_the_second(script: impl FnOnce(Server, u8, u16) + Send + 'static) -> Undelivered {
    let (peer, _) = pacs(&[REPORT], |mut server| {
        let Some((context, number, _)) = take(&mut server) else { return };
        say(&mut server, answer(context, number, 0x8001, 0, None));
        let Some((context, number, _)) = take(&mut server) else { return };
        script(server, context, number);
    });
    peer.store(&[object(REPORT, 1), object(REPORT, 2)]).unwrap_err()
}

#[test]
fn an_end_in_the_middle_is_unclear() {
    let hangs_up = at_the_second(|server, _, _| drop(server));
    let aborts = at_the_second(|server, _, _| drop(server.abort()));
    let (quiet, wait) = channel::<()>();
    let silent = at_the_second(move |server, _, _| {
        let _ = wait.recv();
        drop(server);
    });
    drop(quiet);
    let other = at_the_second(|mut server, context, number| {
        say(&mut server, answer(context, number + 1, 0x8001, 0, None));
        take(&mut server);
    });
    let endless = at_the_second(|mut server, presentation_context_id, _| {
        for _ in 0..100 {
            let (value_type, data) = (PDataValueType::Command, vec![0; 1000]);
            let is_last = false;
            say(
                &mut server,
                vec![PDataValue { presentation_context_id, value_type, is_last, data }],
            );
        }
        take(&mut server);
    });
    for (failed, words) in [
        (hangs_up, "hung up"),
        (aborts, "broke the connection off"),
        (silent, "does not answer within 1 s"),
        (other, "an answer to nothing that was asked"),
        (endless, "has no end"),
    ] {
        assert!(failed.error.problem.contains(words), "{}", failed.error);
        assert_eq!((failed.taken, failed.unclear, failed.peer), (1, true, false), "{words}");
    }
}

#[test]
fn what_the_pacs_does_not_take_is_not_begun() {
    let (peer, said) = pacs(&[REPORT], |mut server| take(&mut server).is_some());
    let failed = peer.store(&[object(REPORT, 1), object(CAPTURE, 2)]).unwrap_err();
    assert_eq!((failed.taken, failed.unclear, failed.peer), (0, false, false));
    assert!(failed.error.problem.contains("takes no secondary capture"), "{}", failed.error);
    assert!(!said.recv().unwrap());
    let (peer, _) = pacs(&[REPORT], drop);
    let error = peer.echo().unwrap_err();
    assert!(error.problem.contains("takes nothing"), "{error}");
    let (mut peer, _) = pacs(&[REPORT], drop);
    peer.called = "OTHER".into();
    let failed = peer.store(&[object(REPORT, 1)]).unwrap_err();
    assert!(failed.error.problem.contains("AE title OTHER") && failed.peer, "{}", failed.error);
}

#[test]
fn a_port_where_nobody_listens_is_said_to_be_one() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = peer(port).echo().unwrap_err();
    assert!(error.to_string().starts_with(&format!("PACS PACS@127.0.0.1:{port}: refuses")));
    assert_eq!(error.kind.exit_code(), 3);
}

#[test]
fn an_echo_is_answered() {
    let (peer, _) = pacs(&[VERIFICATION], |mut server| {
        let Some((context, number, data)) = take(&mut server) else { return };
        assert!(data.is_empty());
        say(&mut server, answer(context, number, 0x8030, 0, None));
        take(&mut server);
    });
    peer.echo().unwrap();
}

/// A worklist of so many, their answers in one piece with what belongs to them or in two.
fn expected(count: usize, together: bool) -> Result<Vec<Scheduled>, Error> {
    let (peer, _) = pacs(&[WORKLIST], move |mut server| {
        let Some((context, number, question)) = take(&mut server) else { return };
        let mut who = message::parse(&question).unwrap();
        for n in 0..count {
            let name = PrimitiveValue::from(format!("Patient^{:03}", count - n));
            who.put(DataElement::new(Tag(0x0010, 0x0010), VR::PN, name));
            let data = message::bytes(&who);
            let values = answer(context, number, 0x8020, 0xff00, Some(data));
            if together {
                say(&mut server, values);
            } else {
                values.into_iter().for_each(|value| say(&mut server, vec![value]));
            }
        }
        say(&mut server, answer(context, number, 0x8020, 0, None));
        take(&mut server);
    });
    peer.worklist("20260501")
}

#[test]
fn a_worklist_is_read_whole_and_has_an_end() {
    for together in [true, false] {
        let names: Vec<String> =
            expected(3, together).unwrap().into_iter().map(|who| who.name).collect();
        assert_eq!(names, ["Patient^001", "Patient^002", "Patient^003"]);
    }
    assert!(expected(0, true).unwrap().is_empty());
    assert_eq!(expected(500, true).unwrap().len(), 500);
    let error = expected(501, true).unwrap_err();
    assert!(error.problem.contains("has no end"), "{error}");
}

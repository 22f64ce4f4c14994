//! What can go wrong with a PACS, in words, and what to do about it.
//!
//! Nothing that the PACS says in free text is in these words: they go to logs and into the outbox.

use std::error::Error as _;
use std::io;

use dicom_ul::association::Error as Failed;
use dicom_ul::pdu::AssociationRJServiceUserReason as Reason;
use dicom_ul::pdu::{AssociationRJSource, Pdu};

use super::{Peer, tls};
use crate::error::{Error, ErrorKind, plain_words};

const LOGS: &str = "its log tells why; `sonolamp exam echo` tries the connection alone";

fn trouble(peer: &Peer, problem: impl ToString, remedy: impl ToString) -> Error {
    Error::new(ErrorKind::Device, format!("PACS {}", peer.name()), problem, remedy)
}

/// What `dicom-ul` reports.
pub fn words(peer: &Peer, error: &Failed) -> Error {
    let wait = peer.connect.as_secs();
    match error {
        Failed::ToAddress { source, .. } => {
            let problem = format!("has a name that is not known here ({})", plain_words(source));
            trouble(peer, problem, "check `pacs.host`, or give the address in numbers")
        }
        Failed::Connect { source, .. } => match source.kind() {
            io::ErrorKind::ConnectionRefused => {
                let remedy = "check `pacs.port`, and that the PACS runs";
                trouble(peer, "refuses the connection: nothing listens there", remedy)
            }
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
                let problem = format!("does not answer within {wait} s");
                trouble(peer, problem, "check the cable, `pacs.host` and the firewalls between")
            }
            _ => {
                let problem = format!("cannot be reached ({})", plain_words(source));
                trouble(peer, problem, "check the cable, the network's settings and `pacs.host`")
            }
        },
        Failed::Rejected { association_rj, .. } => rejected(peer, &association_rj.source),
        Failed::NoAcceptedPresentationContexts { .. } => {
            trouble(peer, "takes nothing of what it is offered", "look up what it is set up for")
        }
        Failed::UnexpectedPdu { pdu, .. } | Failed::UnknownPdu { pdu, .. } => instead(peer, pdu),
        Failed::Aborted { .. } => aborted(peer),
        Failed::TlsNotSupported => trouble(peer, "speaks TLS only", "set `pacs.tls = true`"),
        Failed::InvalidServerName { .. } => {
            let remedy = "`pacs.host` must be a name or an address, without a port";
            trouble(peer, "has a name that no certificate can be for", remedy)
        }
        Failed::TlsConnection { source, .. } => secret(peer, source),
        Failed::ConnectionClosed { .. } => hung_up(peer),
        other => match beneath(other) {
            Some(error) => disk_or_line(peer, error),
            None => senseless(peer, &other.to_string()),
        },
    }
}

/// The operating system's error beneath another.
fn beneath(error: &Failed) -> Option<&io::Error> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        source = error.source();
    }
    None
}

fn disk_or_line(peer: &Peer, error: &io::Error) -> Error {
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    if let Some(error) = inner {
        return secret(peer, error);
    }
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => silent(peer),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => hung_up(peer),
        _ => {
            let problem = format!("was lost on the way ({})", plain_words(error));
            trouble(peer, problem, "check the cable and the network")
        }
    }
}

fn secret(peer: &Peer, error: &rustls::Error) -> Error {
    let (problem, remedy) = tls::trouble(peer, error);
    trouble(peer, problem, remedy)
}

fn rejected(peer: &Peer, why: &AssociationRJSource) -> Error {
    match why {
        AssociationRJSource::ServiceUser(Reason::CalledAETitleNotRecognized) => {
            let problem = format!("does not go by the AE title {}", peer.called);
            trouble(peer, problem, "set `pacs.called` to its title, letter by letter")
        }
        AssociationRJSource::ServiceUser(Reason::CallingAETitleNotRecognized) => {
            let problem = format!("does not know the AE title {}", peer.calling);
            trouble(peer, problem, "enter this box there, or set `pacs.calling` to what it knows")
        }
        AssociationRJSource::ServiceProviderPresentation(reason) => {
            let problem = format!("takes no connection now ({reason})");
            trouble(peer, problem, "try again later")
        }
        other => trouble(peer, format!("refuses to talk to this box ({other})"), LOGS),
    }
}

/// Something else came than what belongs there.
pub fn instead(peer: &Peer, pdu: &Pdu) -> Error {
    match pdu {
        Pdu::AbortRQ { .. } => aborted(peer),
        other => senseless(peer, &format!("{} out of its place", other.short_description())),
    }
}

fn aborted(peer: &Peer) -> Error {
    trouble(peer, "broke the connection off", LOGS)
}

fn hung_up(peer: &Peer) -> Error {
    let remedy = match peer.tls {
        Some(_) => "see that `pacs.port` is its TLS port, and look at its log",
        None => "if that port is for TLS, set `pacs.tls = true`; else look at its log",
    };
    trouble(peer, "hung up", remedy)
}

pub fn silent(peer: &Peer) -> Error {
    let problem = format!("does not answer within {} s", peer.answer.as_secs());
    trouble(peer, problem, "see whether it is busy; `pacs.answer_s` gives it more time")
}

pub fn senseless(peer: &Peer, what: &str) -> Error {
    let remedy = "see that a DICOM server listens at `pacs.port`";
    trouble(peer, format!("says what makes no sense ({what})"), remedy)
}

/// The peer accepted no context for this.
pub fn not_taken(peer: &Peer, about: &str) -> Error {
    let problem = format!("takes no {}", kind(about));
    trouble(peer, problem, "allow it there; `pacs.called` may have to be another title")
}

/// No context for objects of this kind in this transfer syntax.
pub fn not_taken_so(peer: &Peer, about: &str, syntax: &str) -> Error {
    let problem = format!("takes no {} in transfer syntax {syntax}", kind(about));
    trouble(peer, problem, "allow both there")
}

/// What a class of objects or services is called.
fn kind(about: &str) -> String {
    let name = match about {
        "1.2.840.10008.1.1" => "verification",
        "1.2.840.10008.5.1.4.31" => "worklist query",
        "1.2.840.10008.5.1.4.1.1.3.1" => "ultrasound multi-frame image",
        "1.2.840.10008.5.1.4.1.1.6.1" => "ultrasound image",
        "1.2.840.10008.5.1.4.1.1.7" => "secondary capture",
        "1.2.840.10008.5.1.4.1.1.88.22" => "enhanced structured report",
        "1.2.840.10008.5.1.4.1.1.88.33" => "comprehensive structured report",
        "1.2.840.10008.5.1.4.1.1.88.34" => "comprehensive 3D structured report",
        other => return format!("object of class {other}"),
    };
    name.to_owned()
}

/// A status other than success (PS3.7 C, PS3.4 B.2.3).
pub fn status(peer: &Peer, status: u16) -> Error {
    let (problem, remedy) = match status {
        0x0110 => ("could not process it", LOGS),
        0x0111 => (
            "has an object of this number already and took no second",
            "see whether the exam is whole there; if so, `sonolamp exam outbox --drop` ends it here",
        ),
        0x0117 | 0x0106 => ("finds the object's numbers wrong", LOGS),
        0x0122 => ("does not take such objects", "allow them there"),
        0x0124 => ("does not allow this box to do that", "give it the right there"),
        0xa700..=0xa7ff => ("is out of room", "make room there, then send again"),
        0xa900..=0xa9ff => ("finds that the object does not fit its class", LOGS),
        0xb000..=0xbfff => (
            "took it, but changed it",
            "see what became of it there, and let the PACS take objects as they are",
        ),
        0xc000..=0xcfff => ("does not understand it", LOGS),
        0xfe00 => ("cancelled it", LOGS),
        _ => ("did not do it", LOGS),
    };
    trouble(peer, format!("{problem} (status {status:04X})"), remedy)
}

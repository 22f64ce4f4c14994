//! One association: opened in clear or in TLS, messages sent and received, released or broken off.
//!
//! `dicom-ul` speaks PS3.8; here are the limits that it does not set: on a message's size, on the time
//! that all of an answer may take.

use std::collections::VecDeque;
use std::net::TcpStream;
use std::time::Instant;

use dicom_ul::association::client::{ClientAssociation, ClientAssociationOptions, TlsStream};
use dicom_ul::pdu::{PDataValue, PDataValueType, Pdu};

use super::message::{Reply, Request};
use super::store::Sink;
use super::{Peer, tls, trouble};
use crate::error::Error;

/// The transfer syntax that everyone understands (PS3.5 10.1).
pub const IMPLICIT: &str = "1.2.840.10008.1.2";
/// Bytes of an answer, more than which is nonsense.
const MOST: usize = 1 << 16;
/// Bytes that are sent in one go, where the peer takes so many.
const PIECE: u32 = 1 << 16;
/// What stands before the data in a PDU.
const HEADER: u32 = 6;

enum Link {
    Plain(ClientAssociation<TcpStream>),
    Secure(Box<ClientAssociation<TlsStream>>),
}

macro_rules! either {
    ($link:expr, $it:ident => $do:expr) => {
        match $link {
            Link::Plain($it) => $do,
            Link::Secure($it) => $do,
        }
    };
}

pub struct Association<'a> {
    peer: &'a Peer,
    link: Link,
    /// Arrived, but not asked for yet.
    arrived: VecDeque<PDataValue>,
    messages: u16,
}

impl<'a> Association<'a> {
    /// Connects and offers `contexts`: abstract syntaxes, each with its transfer syntaxes.
    pub fn open(
        peer: &'a Peer,
        contexts: &[(String, Vec<String>)],
    ) -> Result<Association<'a>, Error> {
        let mut options = ClientAssociationOptions::new()
            .calling_ae_title(&peer.calling[..])
            .called_ae_title(&peer.called[..])
            .connection_timeout(peer.connect)
            .read_timeout(peer.answer)
            .write_timeout(peer.answer);
        for (about, syntaxes) in contexts {
            options = options.with_presentation_context(about.clone(), syntaxes.clone());
        }
        let address = (&peer.host[..], peer.port);
        let link = match &peer.tls {
            None => options.establish(address).map(Link::Plain),
            Some(certificates) => {
                let options =
                    options.tls_config(tls::config(certificates)?).server_name(&peer.host);
                options.establish_tls(address).map(|link| Link::Secure(Box::new(link)))
            }
        };
        let link = link.map_err(|e| trouble::words(peer, &e))?;
        Ok(Association { peer, link, arrived: VecDeque::new(), messages: 0 })
    }

    /// The number of the next message.
    pub fn next_message(&mut self) -> u16 {
        self.messages = self.messages.wrapping_add(1);
        self.messages
    }

    /// The context in which the peer takes objects of this kind in this transfer syntax.
    pub fn context(&self, about: &str, syntax: &str) -> Option<u8> {
        let contexts = either!(&self.link, it => it.presentation_contexts());
        let plain = |uid: &str| uid.trim_end_matches(['\0', ' ']).to_owned();
        let fits = |c: &&dicom_ul::pdu::PresentationContextNegotiated| {
            plain(&c.abstract_syntax) == about && plain(&c.transfer_syntax) == syntax
        };
        contexts.iter().find(fits).map(|context| context.id)
    }

    /// Sends a request, and what belongs to it.
    pub fn send(
        &mut self,
        about: &str,
        syntax: &str,
        request: &Request,
        data: Option<&[u8]>,
    ) -> Result<(), Error> {
        let Some(context) = self.context(about, syntax) else {
            return Err(trouble::not_taken(self.peer, about));
        };
        self.pieces(context, PDataValueType::Command, |sink| sink(&request.bytes()))?;
        data.map_or(Ok(()), |data| self.pieces(context, PDataValueType::Data, |sink| sink(data)))
    }

    /// Sends a request, and what `fill` says belongs to it.
    pub fn stream(
        &mut self,
        about: &str,
        syntax: &str,
        request: &Request,
        fill: impl FnOnce(Sink) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.send(about, syntax, request, None)?;
        let context = self.context(about, syntax).unwrap_or_default();
        self.pieces(context, PDataValueType::Data, fill)
    }

    /// Sends what `fill` says in pieces as large as the peer takes them; the last one is marked.
    fn pieces(
        &mut self,
        context: u8,
        kind: PDataValueType,
        fill: impl FnOnce(Sink) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let most = either!(&self.link, it => it.acceptor_max_pdu_length());
        let size = most.min(PIECE).saturating_sub(HEADER).max(2) as usize;
        let mut piece = Vec::with_capacity(size);
        let mut send = |piece: &mut Vec<u8>, is_last| {
            let data = std::mem::replace(piece, Vec::with_capacity(if is_last { 0 } else { size }));
            let value_type = kind.clone();
            let value = PDataValue { presentation_context_id: context, value_type, is_last, data };
            let pdu = Pdu::PData { data: vec![value] };
            either!(&mut self.link, it => it.send(&pdu)).map_err(|e| trouble::words(self.peer, &e))
        };
        fill(&mut |mut bytes: &[u8]| {
            while !bytes.is_empty() {
                // More has come: what is full is not the last.
                if piece.len() == size {
                    send(&mut piece, false)?;
                }
                let (now, later) = bytes.split_at(bytes.len().min(size - piece.len()));
                piece.extend_from_slice(now);
                bytes = later;
            }
            Ok(())
        })?;
        send(&mut piece, true)
    }

    /// The answer to a request, and what belongs to it.
    pub fn answer(&mut self, request: &Request) -> Result<(Reply, Option<Vec<u8>>), Error> {
        let began = Instant::now();
        let command = self.receive(&PDataValueType::Command, began)?;
        let senseless = || trouble::senseless(self.peer, "an answer to nothing that was asked");
        let reply = Reply::read(&command).filter(|r| r.answers(request)).ok_or_else(senseless)?;
        let data = match reply.has_data {
            true => Some(self.receive(&PDataValueType::Data, began)?),
            false => None,
        };
        Ok((reply, data))
    }

    fn receive(&mut self, kind: &PDataValueType, began: Instant) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        loop {
            while let Some(value) = self.arrived.pop_front() {
                if value.value_type != *kind {
                    return Err(trouble::senseless(self.peer, "data and commands in disorder"));
                }
                if bytes.len() + value.data.len() > MOST {
                    return Err(trouble::senseless(self.peer, "an answer that has no end"));
                }
                bytes.extend(value.data);
                if value.is_last {
                    return Ok(bytes);
                }
            }
            // A peer that sends a little now and then must not hold the box for ever.
            if began.elapsed() > self.peer.answer {
                return Err(trouble::silent(self.peer));
            }
            match either!(&mut self.link, it => it.receive()) {
                Ok(Pdu::PData { data }) => self.arrived.extend(data),
                Ok(pdu) => return Err(trouble::instead(self.peer, &pdu)),
                Err(error) => return Err(trouble::words(self.peer, &error)),
            }
        }
    }

    /// Ends in good order. What was acknowledged before stays so whatever comes of it.
    pub fn release(self) {
        let _ = either!(self.link, it => it.release());
    }

    /// Ends at once.
    pub fn abort(self) {
        let _ = either!(self.link, it => it.abort());
    }
}

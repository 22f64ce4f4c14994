//! `[pacs]`: where exams are sent, and how. Nothing is sent anywhere without it.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::error::Error;
use crate::pacs::{Certificates, Peer};

/// The clinic's PACS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pacs {
    pub peer: Peer,
    /// Whom to ask who is expected: the same, mostly.
    pub worklist: Peer,
    /// Exams are sent with the patient's name.
    pub identified: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawPacs {
    host: String,
    port: i64,
    called: String,
    calling: String,
    worklist: String,
    tls: bool,
    ca: String,
    certificate: String,
    key: String,
    connect_s: i64,
    answer_s: i64,
    identified: bool,
}

impl Default for RawPacs {
    fn default() -> RawPacs {
        RawPacs {
            host: String::new(),
            port: 2762,
            called: "PACS".into(),
            calling: "SONOLAMP".into(),
            worklist: String::new(),
            tls: true,
            ca: "/etc/sonolamp/pacs-ca.pem".into(),
            certificate: String::new(),
            key: String::new(),
            connect_s: 10,
            answer_s: 60,
            identified: false,
        }
    }
}

impl RawPacs {
    /// `None` where the box stays offline.
    pub fn validate(
        self,
        number: &impl Fn(&str, i64, i64, i64) -> Result<u64, Error>,
        wrong: &impl Fn(String, &str) -> Error,
    ) -> Result<Option<Pacs>, Error> {
        let port = number("pacs.port", self.port, 1, 65_535)? as u16;
        let connect = Duration::from_secs(number("pacs.connect_s", self.connect_s, 1, 120)?);
        let answer = Duration::from_secs(number("pacs.answer_s", self.answer_s, 1, 3600)?);
        for (key, title) in [("pacs.called", &self.called), ("pacs.calling", &self.calling)] {
            check_title(key, title, wrong)?;
        }
        if !self.worklist.is_empty() {
            check_title("pacs.worklist", &self.worklist, wrong)?;
        }
        if self.host.is_empty() {
            return Ok(None);
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if !self.host.chars().all(fits) {
            let problem = format!("`pacs.host` is \"{}\"", self.host);
            return Err(wrong(problem, "allowed: a name or an address; the port is `pacs.port`"));
        }
        let path = |key: &str, text: &str| match text.starts_with('/') {
            true => Ok(PathBuf::from(text)),
            false => {
                let problem = format!("`{key}` is \"{text}\"");
                Err(wrong(problem, "allowed: a path from / on, to a file in PEM format"))
            }
        };
        let tls = match (self.tls, self.certificate.is_empty(), self.key.is_empty()) {
            (false, ..) => None,
            (true, true, true) => Some(Certificates { ca: path("pacs.ca", &self.ca)?, own: None }),
            (true, ..) => {
                let certificate = path("pacs.certificate", &self.certificate)?;
                let own = Some((certificate, path("pacs.key", &self.key)?));
                Some(Certificates { ca: path("pacs.ca", &self.ca)?, own })
            }
        };
        let (host, called, calling) = (self.host, self.called, self.calling);
        let peer = Peer { host, port, called, calling, tls, connect, answer };
        let mut worklist = peer.clone();
        if !self.worklist.is_empty() {
            worklist.called = self.worklist;
        }
        Ok(Some(Pacs { peer, worklist, identified: self.identified }))
    }
}

fn check_title(
    key: &str,
    title: &str,
    wrong: &impl Fn(String, &str) -> Error,
) -> Result<(), Error> {
    let printable = title.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'\\');
    if (1..=16).contains(&title.len()) && printable && title.trim() == title {
        return Ok(());
    }
    let problem = format!("`{key}` is \"{title}\"");
    Err(wrong(problem, "allowed: an AE title, 1 to 16 characters of ASCII without backslash"))
}

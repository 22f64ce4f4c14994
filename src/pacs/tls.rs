//! TLS: whose certificate counts, and the box's own. Cryptography is `ring`'s.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CertificateError, ClientConfig, RootCertStore};

use super::{Certificates, Peer};
use crate::error::{Error, ErrorKind};

/// Only those whom the clinic's file names are believed; the world's authorities are not.
pub fn config(files: &Certificates) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&files.ca)? {
        let useless = |e: rustls::Error| wrong(&files.ca, "holds a useless certificate", &e);
        roots.add(certificate).map_err(useless)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| wrong(&files.ca, "cannot be used", &e))?
        .with_root_certificates(roots);
    let Some((certificate, key)) = &files.own else { return Ok(builder.with_no_client_auth()) };
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|e| wrong(key, "holds no private key in PEM format", &e))?;
    builder
        .with_client_auth_cert(certificates(certificate)?, secret)
        .map_err(|e| wrong(certificate, "does not go with `pacs.key`", &e))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let none = "holds no certificate in PEM format";
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|e| wrong(path, none, &e))?;
    if read.is_empty() {
        return Err(wrong(path, none, &"it is empty"));
    }
    Ok(read)
}

fn wrong(path: &Path, problem: &str, why: &dyn std::fmt::Display) -> Error {
    let remedy = "`pacs.ca`, `pacs.certificate` and `pacs.key` name files in PEM format that this \
                  user may read";
    Error::new(ErrorKind::Usage, path.display(), format!("{problem} ({why})"), remedy)
}

/// What went wrong between the two, and what to do about it.
pub fn trouble(peer: &Peer, error: &rustls::Error) -> (String, String) {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext,
        NotValidYet, NotValidYetContext, UnknownIssuer,
    };
    let clock = "compare this box's clock with a watch; if it is right, the PACS needs a new \
                 certificate";
    let ca = "the file that `pacs.ca` names must hold the certificate of whoever signed the PACS's";
    let (problem, remedy) = match error {
        rustls::Error::InvalidCertificate(wrong) => match wrong {
            UnknownIssuer | BadSignature => {
                ("shows a certificate that nobody trusted has signed".into(), ca)
            }
            Expired | ExpiredContext { .. } => {
                ("shows a certificate that is too old".into(), clock)
            }
            NotValidYet | NotValidYetContext { .. } => {
                ("shows a certificate that is not valid yet".into(), clock)
            }
            NotValidForName | NotValidForNameContext { .. } => {
                let problem = format!("shows a certificate that is not for {}", peer.host);
                (problem, "`pacs.host` must be a name or address that the certificate is for")
            }
            other if format!("{other:?}").contains("CaUsedAsEndEntity") => {
                let problem = "shows the certificate of an authority as its own".into();
                (problem, "give the PACS a certificate of its own, signed by that authority")
            }
            other => (format!("shows a certificate that cannot be trusted ({other:?})"), ca),
        },
        rustls::Error::AlertReceived(alert) => {
            let problem = format!("does not want to talk to this box (TLS alert {alert:?})");
            (
                problem,
                "it may ask for a certificate of the box's own: `pacs.certificate` and \
                 `pacs.key`, signed by whom the PACS trusts",
            )
        }
        rustls::Error::InvalidMessage(_) => {
            let problem = "does not speak TLS at this port".into();
            (
                problem,
                "`pacs.port` must be its TLS port; without one only `pacs.tls = false` is left",
            )
        }
        other => {
            (format!("and this box find no common TLS ({other})"), "TLS 1.2 or 1.3 is needed there")
        }
    };
    (problem, remedy.to_owned())
}

//! Who vouches for a bundle: an Ed25519 signature over `bundle.toml`, which holds the digests of all
//! other files.
//!
//! Keys and signatures are lines of text, a word that says what it is and base64; what follows on a
//! key's line is its owner's name. Lines that begin with `#` are for people.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::OsRng;
use chacha20poly1305::aead::rand_core::RngCore;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::error::{Error, ErrorKind, plain_words};

/// The file beside `bundle.toml`.
pub const FILE: &str = "bundle.sig";

const SECRET: &str = "sonolamp-bundle-secret";
const PUBLIC: &str = "sonolamp-bundle-key";
const SIGNATURE: &str = "sonolamp-bundle-signature";
/// In front of what is signed: the key's signatures mean nothing else.
const PURPOSE: &[u8] = b"sonolamp bundle.toml, version 1\n";

/// The line of `kind` in a text: its bytes, and the words behind them.
fn line<'a, const N: usize>(text: &'a str, kind: &str) -> Option<([u8; N], &'a str)> {
    text.lines().find_map(|line| {
        let (data, rest) = line.trim().strip_prefix(kind)?.strip_prefix(' ').map(split)?;
        Some((STANDARD.decode(data).ok()?.try_into().ok()?, rest))
    })
}

fn split(text: &str) -> (&str, &str) {
    let (data, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    (data, rest.trim())
}

fn message(manifest: &[u8]) -> Vec<u8> {
    [PURPOSE, manifest].concat()
}

/// A modeller's secret.
pub struct Secret(SigningKey);

impl Secret {
    pub fn generate() -> Secret {
        let mut seed = [0; 32];
        OsRng.fill_bytes(&mut seed);
        Secret(SigningKey::from_bytes(&seed))
    }

    pub fn parse(text: &str, name: &str) -> Result<Secret, Error> {
        let (seed, _) = line(text, SECRET).ok_or_else(|| {
            let remedy = "give the file that `sonolamp bundle key` made";
            Error::new(ErrorKind::Usage, name, "holds no secret key for bundles", remedy)
        })?;
        Ok(Secret(SigningKey::from_bytes(&seed)))
    }

    /// The line to keep away from boxes.
    pub fn text(&self) -> String {
        format!("{SECRET} {}", STANDARD.encode(self.0.to_bytes()))
    }

    /// The line for boxes that shall trust `owner`.
    pub fn public(&self, owner: &str) -> String {
        format!("{PUBLIC} {} {owner}", STANDARD.encode(self.0.verifying_key().to_bytes()))
    }

    /// What stands in [`FILE`] beside this `bundle.toml`.
    pub fn sign(&self, manifest: &[u8]) -> String {
        let signature = self.0.sign(&message(manifest));
        format!("{SIGNATURE} {}\n", STANDARD.encode(signature.to_bytes()))
    }
}

/// Whose bundles a box takes.
#[derive(Debug, Clone)]
pub struct Trusted(Vec<(VerifyingKey, String)>);

impl Trusted {
    pub fn load(file: &Path) -> Result<Trusted, Error> {
        let text = std::fs::read_to_string(file).map_err(|e| {
            let problem = format!("cannot be read ({})", plain_words(&e));
            let remedy = "put the public keys of those whose bundles this box takes there; \
                          `sonolamp bundle key` makes a pair";
            Error::new(ErrorKind::Usage, file.display(), problem, remedy)
        })?;
        Trusted::parse(&text, &file.display().to_string())
    }

    /// A key a line; a line that is none is an error.
    pub fn parse(text: &str, name: &str) -> Result<Trusted, Error> {
        let keys = text.lines().enumerate().filter_map(|(index, text)| {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                return None;
            }
            let key = line(text, PUBLIC).and_then(|(bytes, owner)| {
                Some((VerifyingKey::from_bytes(&bytes).ok()?, owner.to_owned()))
            });
            Some(key.ok_or_else(|| {
                let problem = format!("line {}: is no public key for bundles", index + 1);
                let remedy = format!("allowed: `{PUBLIC} KEY NAME`, as `sonolamp bundle key` says");
                Error::new(ErrorKind::Usage, name, problem, remedy)
            }))
        });
        let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
        if keys.is_empty() {
            let remedy = "put the line there that `sonolamp bundle key` prints";
            return Err(Error::new(ErrorKind::Usage, name, "holds no key", remedy));
        }
        Ok(Trusted(keys))
    }

    /// The owner of the key that has signed this `bundle.toml`; `origin` stands in messages.
    pub fn signer(
        &self,
        origin: &str,
        manifest: &[u8],
        signature: Option<&str>,
    ) -> Result<&str, Error> {
        let wrong = |problem: &str| {
            let remedy = "take it from where it was made, and see that its maker's key is trusted";
            Error::new(ErrorKind::Model, format!("{origin}/{FILE}"), problem, remedy)
        };
        let text = signature.ok_or_else(|| wrong("is absent: nobody vouches for the bundle"))?;
        let (bytes, _) = line(text, SIGNATURE).ok_or_else(|| wrong("is no signature"))?;
        let (signature, message) = (Signature::from_bytes(&bytes), message(manifest));
        let signed =
            |(key, _): &&(VerifyingKey, String)| key.verify_strict(&message, &signature).is_ok();
        let found = self.0.iter().find(signed).map(|(_, owner)| &owner[..]);
        found.ok_or_else(|| {
            wrong("is of no trusted key, or bundle.toml was changed after it was signed")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_key_over_the_same_bytes_vouches() {
        let (ours, theirs) = (Secret::generate(), Secret::generate());
        let text = format!("# the clinic's\n\n{}\n", ours.public("Dr. A. Modeller"));
        let trusted = Trusted::parse(&text, "trusted-keys").unwrap();
        let signature = ours.sign(b"name = 1");
        let signer = |manifest: &[u8], text: &str| {
            trusted.signer("b", manifest, Some(text)).map(str::to_owned)
        };
        assert_eq!(signer(b"name = 1", &signature).unwrap(), "Dr. A. Modeller");
        assert!(signer(b"name = 2", &signature).is_err());
        assert!(signer(b"name = 1", &theirs.sign(b"name = 1")).is_err());
        assert!(signer(b"name = 1", "words").unwrap_err().problem.contains("no signature"));
        assert!(trusted.signer("b", b"", None).unwrap_err().problem.contains("absent"));
        // A bit of the signature turned round.
        for i in 0..64 {
            let (mut bytes, _) = line::<64>(&signature, SIGNATURE).unwrap();
            bytes[i] ^= 1;
            let text = format!("{SIGNATURE} {}", STANDARD.encode(bytes));
            assert!(signer(b"name = 1", &text).is_err(), "byte {i}");
        }
    }

    #[test]
    fn keys_survive_their_text_and_nonsense_is_named_with_its_line() {
        let secret = Secret::generate();
        let again = Secret::parse(&format!("# secret\n{}\n", secret.text()), "k").unwrap();
        assert_eq!(again.public("x"), secret.public("x"));
        assert!(Secret::parse(&secret.public("x"), "k").is_err());
        let error = Trusted::parse(&format!("{}\nnonsense", secret.public("x")), "keys");
        assert!(error.unwrap_err().problem.starts_with("line 2: "));
        assert!(Trusted::parse("# none\n", "keys").unwrap_err().problem.contains("no key"));
        let weak = format!("{PUBLIC} {} nobody", STANDARD.encode([0; 32]));
        let weak = Trusted::parse(&weak, "keys");
        let forged = format!("{SIGNATURE} {}", STANDARD.encode([0; 64]));
        assert!(weak.is_err() || weak.unwrap().signer("b", b"", Some(&forged)).is_err());
    }
}

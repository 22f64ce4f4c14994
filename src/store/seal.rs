//! Encryption: to the clinic's public keys, to an exam's own key, and of the index's rows.
//!
//! The box holds public keys alone, so it can write what it cannot read. Every exam has a key of its
//! own, which lies sealed in its envelope: with the envelope goes the exam. Rows of the index are
//! under a key that lives in memory from a start to the end and lies sealed in the index, so that a
//! list of thousands takes one unsealing a start and not one a row.
//!
//! Files are of the age format (age-encryption.org/v1; X25519, ChaCha20-Poly1305 in chunks of 64 KiB);
//! rows are ChaCha20-Poly1305 under a random nonce, with their exam bound to them.

mod locked;

use std::io::{self, Read, Write};
use std::str::FromStr;

use age::secrecy::ExposeSecret;
use age::x25519;
use chacha20poly1305::aead::{Aead, AeadCore, KeyInit, OsRng, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};

pub use self::locked::{LockedKey, passphrase};
use super::id::ExamId;
use crate::error::{Error, ErrorKind};

/// Bytes of a nonce.
const NONCE: usize = 12;

/// Seals what is written to it.
pub type Sealing<W> = age::stream::StreamWriter<W>;

/// Public keys to which everything is sealed; each of their owners can read all of it.
#[derive(Debug, Clone)]
pub struct Recipients(Vec<x25519::Recipient>);

impl Recipients {
    /// Reads public keys, one a line; empty lines and those that begin with # are left out.
    pub fn parse(text: &str, subject: &str) -> Result<Recipients, Error> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys = lines.filter(|line| !line.starts_with('#')).map(|line| {
            x25519::Recipient::from_str(line).map_err(|why| {
                let problem = format!("holds a line that is no public key ({why})");
                let remedy = "a public key begins with age1; `sonolamp exam keys` makes one";
                Error::new(ErrorKind::Usage, subject, problem, remedy)
            })
        });
        let keys = keys.collect::<Result<Vec<_>, Error>>()?;
        if keys.is_empty() {
            let remedy = "put the clinic's public key there; `sonolamp exam keys` makes one";
            return Err(Error::new(ErrorKind::Usage, subject, "holds no public key", remedy));
        }
        Ok(Recipients(keys))
    }

    /// Seals a few bytes.
    pub fn seal(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut sealed = Vec::new();
        let mut writer = self.writer(&mut sealed)?;
        writer.write_all(bytes)?;
        writer.finish()?;
        Ok(sealed)
    }

    fn writer<W: Write>(&self, output: W) -> io::Result<Sealing<W>> {
        let recipients = self.0.iter().map(|key| key as &dyn age::Recipient);
        age::Encryptor::with_recipients(recipients).map_err(io::Error::other)?.wrap_output(output)
    }
}

/// A secret key that opens what was sealed to its public one.
#[derive(Clone)]
pub struct SecretKey(x25519::Identity);

impl SecretKey {
    pub fn generate() -> SecretKey {
        SecretKey(x25519::Identity::generate())
    }

    /// Reads a file as age-keygen writes it: lines that begin with # and one that begins with
    /// AGE-SECRET-KEY-1.
    pub fn parse(text: &str, subject: &str) -> Result<SecretKey, Error> {
        let line = text.lines().map(str::trim).find(|line| line.starts_with("AGE-SECRET-KEY-1"));
        // What it says must not show any of the key.
        let wrong = || {
            let remedy = "give the file that `sonolamp exam keys` or age-keygen wrote";
            Error::new(ErrorKind::Usage, subject, "holds no secret key", remedy)
        };
        x25519::Identity::from_str(line.ok_or_else(wrong)?).map(SecretKey).map_err(|_| wrong())
    }

    /// The secret in letters. Whoever reads it can read everything.
    pub fn expose(&self) -> String {
        self.0.to_string().expose_secret().to_owned()
    }

    /// In letters, and to be told to everyone.
    pub fn public(&self) -> String {
        self.0.to_public().to_string()
    }

    /// To seal to this key.
    pub fn recipients(&self) -> Recipients {
        Recipients(vec![self.0.to_public()])
    }

    /// Opens a few bytes; `None` where they were not sealed to this key or are damaged.
    pub fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader(sealed).ok()?.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Reads a sealed stream; damage is an error at the chunk that it lies in.
    pub fn reader<R: Read>(&self, sealed: R) -> io::Result<age::stream::StreamReader<R>> {
        let decryptor = age::Decryptor::new(sealed).map_err(io::Error::other)?;
        let key = std::iter::once(&self.0 as &dyn age::Identity);
        decryptor.decrypt(key).map_err(io::Error::other)
    }

    /// Writes a stream that this key reads.
    pub fn writer<W: Write>(&self, output: W) -> io::Result<Sealing<W>> {
        self.recipients().writer(output)
    }
}

/// What the rows of one start are under.
pub struct RowKey(Key);

impl RowKey {
    pub fn generate() -> RowKey {
        RowKey(ChaCha20Poly1305::generate_key(&mut OsRng))
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<RowKey> {
        (bytes.len() == 32).then(|| RowKey(*Key::from_slice(bytes)))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn seal(&self, id: ExamId, msg: &[u8]) -> Vec<u8> {
        let nonce = ChaCha20Poly1305::generate_nonce(&mut OsRng);
        let mut sealed = nonce.to_vec();
        // Only a message of 256 GB cannot be sealed.
        let payload = Payload { msg, aad: &id.0 };
        sealed.extend(self.cipher().encrypt(&nonce, payload).unwrap_or_default());
        sealed
    }

    /// `None` where it is damaged or another exam's.
    pub fn open(&self, id: ExamId, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, msg) = sealed.split_at_checked(NONCE)?;
        self.cipher().decrypt(Nonce::from_slice(nonce), Payload { msg, aad: &id.0 }).ok()
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&self.0)
    }
}

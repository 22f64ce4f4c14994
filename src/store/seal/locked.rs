//! A secret key under a passphrase: it may lie on the box, and whoever steals it has to guess the words.
//!
//! The words become a key by Argon2id (RFC 9106, version 0x13) and open the secret one with
//! ChaCha20-Poly1305. The file is one line of text: a name, the memory in KiB, the passes, a random
//! salt and the sealed key in hexadecimal digits. Words are told apart by spaces alone; large and small
//! letters are the same, and how many spaces there are does not matter.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::OsRng;
use chacha20poly1305::aead::rand_core::RngCore;
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit, Nonce, aead::Aead};

use super::SecretKey;
use crate::error::{Error, ErrorKind};
use crate::store::journal::{bytes_of_hex, hex};

const NAME: &str = "SONOLAMP-LOCKED-KEY-1";
/// Fewest words of a passphrase.
const WORDS: usize = 6;
/// Fewest letters of all the words.
const LETTERS: usize = 20;
const SALT: usize = 16;
/// RFC 9106's second choice of memory, in KiB, for machines that have little; of its passes too.
const MEMORY: u32 = 64 << 10;
const PASSES: u32 = 3;
/// What a file may ask of the box at most.
const MOST_MEMORY: u32 = 256 << 10;
const MOST_PASSES: u32 = 16;

/// Words of a passphrase made here: 77 bits, of 2,048 words.
const MADE: usize = 7;

/// Seven words at random, from the English list of BIP 39.
pub fn passphrase() -> String {
    let list = bip39::Language::English.word_list();
    let words: [&str; MADE] = std::array::from_fn(|_| {
        // The list's length divides all there can be.
        list[OsRng.next_u32() as usize % list.len()]
    });
    words.join(" ")
}

/// A secret key that a passphrase opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedKey {
    memory: u32,
    passes: u32,
    salt: [u8; SALT],
    sealed: Vec<u8>,
}

impl LockedKey {
    /// Locks `key`; `Err` says in words why the passphrase is too weak.
    pub fn lock(key: &SecretKey, passphrase: &str) -> Result<LockedKey, Error> {
        let words = words(passphrase);
        let mut different: Vec<&str> = words.split(' ').collect();
        different.sort_unstable();
        different.dedup();
        let letters: usize = different.iter().map(|word| word.chars().count()).sum();
        if different.len() < WORDS || letters < LETTERS {
            let problem = format!("needs at least {WORDS} different words, and {LETTERS} letters");
            let remedy = "take words at random, such as by dice from a list";
            return Err(Error::new(ErrorKind::Usage, "the passphrase", problem, remedy));
        }
        let mut salt = [0; SALT];
        OsRng.fill_bytes(&mut salt);
        let mut locked = LockedKey { memory: MEMORY, passes: PASSES, salt, sealed: Vec::new() };
        locked.sealed = (locked.cipher(&words))
            .and_then(|cipher| cipher.encrypt(&Nonce::default(), key.expose().as_bytes()).ok())
            .ok_or_else(no_memory)?;
        Ok(locked)
    }

    /// Whether a file's text is such a key.
    pub fn is_one(text: &str) -> bool {
        line(text).is_some()
    }

    /// Reads the file's text; lines that begin with # are left out.
    pub fn parse(text: &str, subject: &str) -> Result<LockedKey, Error> {
        let read = || {
            let mut fields = line(text)?.split_whitespace().skip(1);
            let memory = fields.next()?.parse().ok().filter(|m| (8..=MOST_MEMORY).contains(m))?;
            let passes = fields.next()?.parse().ok().filter(|p| (1..=MOST_PASSES).contains(p))?;
            let salt = bytes_of_hex(fields.next()?)?.try_into().ok()?;
            let sealed = bytes_of_hex(fields.next()?)?;
            fields.next().is_none().then_some(LockedKey { memory, passes, salt, sealed })
        };
        read().ok_or_else(|| {
            let remedy = "give the file that `sonolamp exam lock` wrote";
            Error::new(ErrorKind::Usage, subject, "holds no locked key, or a damaged one", remedy)
        })
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let LockedKey { memory, passes, salt, sealed } = self;
        format!("{NAME} {memory} {passes} {} {}\n", hex(salt), hex(sealed))
    }

    /// Opens it. Takes a second or more, and 64 MiB of memory: not for a thread that draws.
    pub fn open(&self, passphrase: &str) -> Result<SecretKey, Error> {
        let cipher = self.cipher(&words(passphrase)).ok_or_else(no_memory)?;
        let opened = cipher.decrypt(&Nonce::default(), &self.sealed[..]).ok();
        let text = opened.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
            let remedy = "type the words again, all in their order";
            Error::new(ErrorKind::Usage, "the passphrase", "does not open the key", remedy)
        })?;
        SecretKey::parse(&text, "the locked key")
    }

    /// A salt is used for one key only, so the nonce may be the same always.
    fn cipher(&self, words: &str) -> Option<ChaCha20Poly1305> {
        let params = Params::new(self.memory, self.passes, 1, None).ok()?;
        let mut key = Key::default();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(words.as_bytes(), &self.salt, &mut key)
            .ok()?;
        Some(ChaCha20Poly1305::new(&key))
    }
}

fn no_memory() -> Error {
    let remedy = "end other programs and try again";
    Error::new(ErrorKind::Usage, "the passphrase", "cannot be worked on", remedy)
}

fn line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).find(|line| line.split_whitespace().next() == Some(NAME))
}

fn words(passphrase: &str) -> String {
    let words: Vec<&str> = passphrase.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHRASE: &str = "amber canoe  Lentil quarry sofa THISTLE";

    #[test]
    fn the_words_open_the_key_and_nothing_else_does() {
        let key = SecretKey::generate();
        let text = LockedKey::lock(&key, PHRASE).unwrap().text();
        assert!(LockedKey::is_one(&text) && !text.contains("AGE-SECRET"));
        let locked = LockedKey::parse(&text, "clinic.locked").unwrap();
        let opened = locked.open("Amber canoe lentil  quarry sofa thistle\n").unwrap();
        assert_eq!(opened.expose(), key.expose());
        let wrong = locked.open("amber canoe lentil quarry sofa thistles").err().unwrap();
        assert!(wrong.to_string().contains("does not open the key"), "{wrong}");
        for (from, to) in [(" 65536 ", " 65537 "), (" 3 ", " 2 ")] {
            let other = LockedKey::parse(&text.replacen(from, to, 1), "other").unwrap();
            assert!(other.open(PHRASE).is_err());
        }
    }

    #[test]
    fn a_weak_passphrase_is_refused() {
        let key = SecretKey::generate();
        for weak in ["", "one two three four five", "a b c d e f", "same same same same same same"]
        {
            let error = LockedKey::lock(&key, weak).err().unwrap().to_string();
            assert!(error.contains("at least 6 different words"), "{error}");
        }
    }

    #[test]
    fn a_file_may_not_ask_for_all_the_memory() {
        let hex = "00".repeat(16);
        for numbers in ["4000000 3", "65536 1000000", "7 3", "65536 0", "-1 3", "65536"] {
            let text = format!("{NAME} {numbers} {hex} {hex}\n");
            assert!(LockedKey::parse(&text, "a file").is_err(), "{numbers}");
        }
    }
}

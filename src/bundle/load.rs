//! Reading a bundle from a folder or from the program itself, and checking it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use sha2::{Digest, Sha256};

use super::manifest::{FileRole, KnownAnswer, Manifest};
use super::signature::{self, Trusted};
use crate::error::{Error, ErrorKind, plain_words, toml_problem};

const REMEDY: &str = "copy the bundle again, or make it again with models/train";

macro_rules! embedded {
    ($($path:literal),* $(,)?) => {
        [$(($path, include_bytes!(concat!("../../models/lung/", $path)) as &[u8])),*]
    };
}

/// The default bundle's files.
const EMBEDDED: [(&str, &[u8]); 6] = embedded![
    "bundle.toml",
    "lung.onnx",
    "card.md",
    "training-set.csv",
    "known/blines.png",
    "known/normal.png",
];

/// A bundle whose keys and digests are right. Its network has not been loaded yet.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// Folder, or `built-in`.
    pub origin: String,
    pub manifest: Manifest,
    /// SHA-256 of `bundle.toml`, which holds the digests of all other files.
    pub digest: String,
    files: BTreeMap<String, Cow<'static, [u8]>>,
    /// `bundle.toml` as it stands there, and the signature beside it.
    text: Cow<'static, [u8]>,
    signature: Option<String>,
}

impl Bundle {
    /// The bundle in `folder`, or the built-in one.
    pub fn load(folder: Option<&Path>) -> Result<Bundle, Error> {
        match folder {
            None => Bundle::read("built-in bundle", |path| {
                let found = EMBEDDED.iter().find(|(name, _)| *name == path);
                found.map(|(_, bytes)| Cow::Borrowed(*bytes)).ok_or("is absent".into())
            }),
            Some(folder) => Bundle::read(&folder.display().to_string(), |path| {
                std::fs::read(folder.join(path))
                    .map(Cow::Owned)
                    .map_err(|e| format!("cannot be read ({})", plain_words(&e)))
            }),
        }
    }

    fn read(
        origin: &str,
        fetch: impl Fn(&str) -> Result<Cow<'static, [u8]>, String>,
    ) -> Result<Bundle, Error> {
        let subject = |path: &str| format!("{origin}/{path}");
        let wrong = |path: &str, problem: String, remedy: &str| {
            Error::new(ErrorKind::Model, subject(path), problem, remedy)
        };
        let text = fetch("bundle.toml").map_err(|problem| {
            wrong("bundle.toml", problem, "name a folder that holds a bundle, such as models/lung")
        })?;
        let manifest: Manifest = std::str::from_utf8(&text)
            .map_err(|_| "is not text".to_owned())
            .and_then(|text| toml::from_str(text).map_err(|e| toml_problem(&e, text)))
            .map_err(|problem| wrong("bundle.toml", problem, REMEDY))?;
        manifest.validate().map_err(|problem| wrong("bundle.toml", problem, REMEDY))?;
        let mut files = BTreeMap::new();
        for entry in &manifest.files {
            // A manifest from elsewhere must not reach outside its folder.
            let inside =
                Path::new(&entry.path).components().all(|c| matches!(c, Component::Normal(_)));
            if !inside {
                let problem = format!("names the file `{}` outside its folder", entry.path);
                return Err(wrong("bundle.toml", problem, REMEDY));
            }
            let bytes =
                fetch(&entry.path).map_err(|problem| wrong(&entry.path, problem, REMEDY))?;
            let digest = sha256(&bytes);
            if digest != entry.sha256 {
                let problem = format!(
                    "has the SHA-256 {}…, and bundle.toml says {}…",
                    &digest[..12],
                    entry.sha256.chars().take(12).collect::<String>()
                );
                return Err(wrong(&entry.path, problem, REMEDY));
            }
            files.insert(entry.path.clone(), bytes);
        }
        let signature = fetch(signature::FILE).ok();
        let signature = signature.and_then(|bytes| String::from_utf8(bytes.into_owned()).ok());
        let (origin, digest) = (origin.to_owned(), sha256(&text));
        Ok(Bundle { origin, manifest, digest, files, text, signature })
    }

    /// `bundle.toml` as it stands there: what is signed.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whoever vouches for it, of those who are trusted.
    pub fn signer<'a>(&self, trusted: &'a Trusted) -> Result<&'a str, Error> {
        trusted.signer(&self.origin, &self.text, self.signature.as_deref())
    }

    #[cfg(test)]
    pub fn sign_as(&mut self, text: &str) {
        self.signature = Some(text.to_owned());
    }

    /// Every file with its path, `bundle.toml` and the signature included.
    pub fn contents(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let files = self.files.iter().map(|(path, bytes)| (&path[..], &bytes[..]));
        let signature = self.signature.iter().map(|text| (signature::FILE, text.as_bytes()));
        files.chain(signature).chain([("bundle.toml", &self.text[..])])
    }

    /// First twelve digits of the digest, enough to tell bundles apart on a screen.
    pub fn short_digest(&self) -> &str {
        &self.digest[..12]
    }

    /// `name version`.
    pub fn title(&self) -> String {
        format!("{} {}", self.manifest.name, self.manifest.version)
    }

    /// Path and content of the ONNX file.
    pub fn model(&self) -> (&str, &[u8]) {
        let entry = self.manifest.files.iter().find(|f| f.role == FileRole::Model);
        entry.and_then(|f| self.files.get_key_value(&f.path)).map_or(("", &[]), |(p, b)| (p, b))
    }

    /// Name of the model for error messages.
    pub fn model_name(&self) -> String {
        format!("{}/{}", self.origin, self.model().0)
    }

    /// SHA-256 of every clip that the network was trained on.
    pub fn training_set(&self) -> Result<BTreeSet<String>, Error> {
        let path = &self.manifest.provenance.training_set;
        let wrong = |problem: String| {
            Error::new(ErrorKind::Model, format!("{}/{path}", self.origin), problem, REMEDY)
        };
        let bytes = self.files.get(path).ok_or_else(|| wrong("is not among the files".into()))?;
        csv::Reader::from_reader(&bytes[..])
            .deserialize()
            .map(|row| row.map(|(digest, _group): (String, String)| digest))
            .collect::<Result<_, _>>()
            .map_err(|e| wrong(e.to_string()))
    }

    /// Each known answer with its input's bytes.
    pub fn known_answers(
        &self,
    ) -> impl Iterator<Item = Result<(&KnownAnswer, Vec<u8>), Error>> + '_ {
        self.manifest.known_answers.iter().map(|answer| Ok((answer, self.known_input(answer)?)))
    }

    fn known_input(&self, answer: &KnownAnswer) -> Result<Vec<u8>, Error> {
        let wrong = |problem: &str| {
            let subject = format!("{}/{}", self.origin, answer.input);
            Error::new(ErrorKind::Model, subject, problem, REMEDY)
        };
        let bytes = self.files.get(&answer.input).ok_or_else(|| wrong("is not among the files"))?;
        let picture = image::load_from_memory_with_format(bytes, image::ImageFormat::Png)
            .map_err(|_| wrong("is not a PNG picture"))?;
        let (width, height) = (self.manifest.input.width, self.manifest.input.height);
        if (picture.width(), picture.height()) != (width, height) {
            return Err(wrong("has not the size of the network's input"));
        }
        Ok(picture.into_luma8().into_raw())
    }
}

/// Runs `classify` on every known answer; returns the largest difference seen.
pub fn verify_known_answers(
    bundle: &Bundle,
    mut classify: impl FnMut(&[u8], &mut Vec<f32>) -> Result<(), Error>,
) -> Result<f32, Error> {
    let mut worst = 0f32;
    for known in bundle.known_answers() {
        let (answer, input) = known?;
        let mut scores = Vec::new();
        classify(&input, &mut scores)?;
        for (&got, &want) in scores.iter().zip(&answer.scores) {
            let off = (got - want).abs();
            worst = worst.max(off);
            if off > answer.tolerance || off.is_nan() {
                let problem = format!(
                    "gives {got:.4} for {}, and the known answer is {want:.4} ± {}",
                    answer.input, answer.tolerance
                );
                return Err(Error::new(ErrorKind::Model, bundle.model_name(), problem, REMEDY));
            }
        }
    }
    Ok(worst)
}

/// Lower-case hexadecimal SHA-256.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

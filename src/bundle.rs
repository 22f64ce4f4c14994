//! A model bundle: a folder with everything needed to use a network and to check it.
//!
//! `bundle.toml` declares the network's ends, classes, thresholds, calibration, origin and licence
//! and the SHA-256 of every other file; its own digest names the bundle. Loading checks the keys,
//! the digests, the network's shape and operators, and the known answers, in this order, and
//! refuses the bundle at the first fault. The default bundle is embedded in the program.

mod installed;
mod load;
mod manifest;
mod signature;

pub use installed::Installed;
pub use load::{Bundle, sha256, verify_known_answers};
#[cfg(test)]
pub(crate) use manifest::tests::plain as plain_manifest;
pub use manifest::{
    Activation, ActivationMap, Class, Decision, EvidenceKind, Familiarity, Head, Label, Licence,
    Manifest, Mask, Provenance, Stated,
};
pub use signature::{FILE as SIGNATURE_FILE, Secret, Trusted};

//! A model bundle: a folder with everything needed to use a network and to check it.
//!
//! `bundle.toml` declares the network's ends, classes, thresholds, calibration, origin and licence
//! and the SHA-256 of every other file; its own digest names the bundle. Loading checks the keys,
//! the digests, the network's shape and operators, and the known answers, in this order, and
//! refuses the bundle at the first fault. The default bundle is embedded in the program.

mod load;
mod manifest;

pub use load::{Bundle, sha256, verify_known_answers};
pub use manifest::{
    Activation, ActivationMap, Class, Decision, EvidenceKind, Familiarity, Head, Label, Licence,
    Manifest, Mask, Provenance, Stated,
};

//! A kept exam as files for others: DICOM for an archive, FHIR for a record system, a page for a person.
//!
//! Files are made from [`Facts`] alone, which leave out what may not be told: so no file can name a
//! patient whom it must not name. Nothing here opens a store or runs a network.

mod clip;
mod dicom;
mod facts;
mod fhir;
mod folder;
mod page;
mod picture;
mod summary;
#[cfg(test)]
mod tests;
mod uid;

pub use self::clip::{Clip, Frames};
pub use self::dicom::{COMPREHENSIVE_SR, Parcel, SECONDARY_CAPTURE, US_MULTIFRAME, dicom};
pub use self::facts::Privacy;
pub use self::folder::{PARTS, Written, folder_name, onto, write};

use crate::frame::Bounds;
use crate::snapshot::{HeatMap, Outline};
use crate::store::{Record, When};

/// Stands on everything that leaves the box.
const NOTICE: &str = "Decision support for research and training. Not a diagnosis, not a medical \
                      device: when in doubt, refer.";
const DEMONSTRATION: &str = "DEMONSTRATION: a simulated or recorded picture, no patient";

/// One exam, read from the store.
pub struct Material {
    pub record: Record,
    /// When the first exam of the visit began: all of them share one study.
    pub visit_started: When,
    pub clip: Clip,
    /// The frame that speaks most clearly for the verdict; none where no frame has a picture.
    pub key: Option<Key>,
}

/// A frame of the clip, and what the network points at in it.
#[derive(Debug, Default)]
pub struct Key {
    /// Counts from 0.
    pub frame: usize,
    /// The part of the picture that is this frame's own, which `heat` and `outline` lie over.
    pub bounds: Bounds,
    /// That part.
    pub luma: Vec<u8>,
    pub heat: HeatMap,
    pub outline: Outline,
}

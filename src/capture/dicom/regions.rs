//! The file's own Sequence of Ultrasound Regions (PS3.3 C.8.5.5): where in the picture tissue is.

use dicom_object::{InMemDicomObject, Tag};

use super::attributes::integer;
use crate::frame::Frame;

const REGIONS: Tag = Tag(0x0018, 0x6011);
const SPATIAL_FORMAT: Tag = Tag(0x0018, 0x6012);
const DATA_TYPE: Tag = Tag(0x0018, 0x6014);
const LEFT: Tag = Tag(0x0018, 0x6018);
const TOP: Tag = Tag(0x0018, 0x601a);
const RIGHT: Tag = Tag(0x0018, 0x601c);
const BOTTOM: Tag = Tag(0x0018, 0x601e);

const TWO_DIMENSIONS: i64 = 1;
const TISSUE: i64 = 1;
/// Smallest believable side, in pixels.
const SMALLEST: usize = 16;

/// Columns and rows of a rectangle; the ends lie outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    columns: std::ops::Range<usize>,
    rows: std::ops::Range<usize>,
}

/// Every region of two-dimensional tissue that lies inside the picture.
pub fn read(object: &InMemDicomObject, width: u32, height: u32) -> Vec<Region> {
    let items = object.get(REGIONS).and_then(|element| element.items()).unwrap_or_default();
    let span = |item, low, high, side: u32| {
        let low = usize::try_from(integer(item, low)?).ok()?;
        // The last column and row belong to the region; some write the side of the picture.
        let high = usize::try_from(integer(item, high)?).ok()?.checked_add(1)?;
        let range = low..high.min(side as usize);
        (high <= side as usize + 1 && range.len() >= SMALLEST).then_some(range)
    };
    let region = |item| {
        let tissue = integer(item, SPATIAL_FORMAT) == Some(TWO_DIMENSIONS)
            && integer(item, DATA_TYPE) == Some(TISSUE);
        let columns = span(item, LEFT, RIGHT, width)?;
        let rows = span(item, TOP, BOTTOM, height)?;
        tissue.then_some(Region { columns, rows })
    };
    items.iter().filter_map(region).collect()
}

/// Blacks out what lies in none of the regions; no regions leave everything.
pub fn mask(regions: &[Region], frame: &mut Frame) {
    if regions.is_empty() {
        return;
    }
    for (y, row) in frame.luma.chunks_exact_mut(frame.width.max(1) as usize).enumerate() {
        let mut x = 0;
        while x < row.len() {
            let within = |r: &&Region| r.rows.contains(&y) && r.columns.contains(&x);
            if let Some(region) = regions.iter().find(within) {
                x = region.columns.end;
                continue;
            }
            let ahead = |r: &&Region| r.rows.contains(&y) && r.columns.start > x;
            let next = regions.iter().filter(ahead).map(|r| r.columns.start).min();
            let end = next.unwrap_or(row.len()).min(row.len());
            row[x..end].fill(0);
            x = end;
        }
    }
}

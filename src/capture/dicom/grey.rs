//! From stored samples to luma: palettes, rescaling, windows, and how colour is laid out.

use dicom_object::{InMemDicomObject, Tag};

use super::attributes::{Attributes, Photometric, integers};
use crate::frame::{full_range, luma_of_rgb};

const DESCRIPTORS: [Tag; 3] = [Tag(0x0028, 0x1101), Tag(0x0028, 0x1102), Tag(0x0028, 0x1103)];
const TABLES: [Tag; 3] = [Tag(0x0028, 0x1201), Tag(0x0028, 0x1202), Tag(0x0028, 0x1203)];
const SEGMENTED: Tag = Tag(0x0028, 0x1221);

/// The luma of every colour of a palette (PS3.3 C.7.6.3.1.5).
#[derive(Debug, Clone)]
pub struct Palette {
    /// Stored value of the first entry; smaller ones are mapped to it, larger ones to the last.
    first: i64,
    luma: Vec<u8>,
}

impl Palette {
    pub fn read(object: &InMemDicomObject) -> Result<Palette, String> {
        if object.get(SEGMENTED).is_some() {
            return Err("its palette is a segmented one".into());
        }
        let mut first = 0;
        let mut colours: [Vec<u8>; 3] = Default::default();
        for (i, colour) in colours.iter_mut().enumerate() {
            let descriptor = integers(object, DESCRIPTORS[i]);
            let data = object.get(TABLES[i]).and_then(|element| element.to_bytes().ok());
            let (&[count, start, bits], Some(data)) = (&descriptor[..], data) else {
                return Err("it has no palette, and its pixels need one".into());
            };
            // 65536 entries do not fit into the field, which may have been read as signed.
            let count = if count == 0 { 65_536 } else { (count & 0xffff) as usize };
            first = start;
            *colour = if bits == 8 && data.len() < 2 * count {
                data.iter().take(count).copied().collect()
            } else {
                let words: Vec<u16> = data
                    .chunks_exact(2)
                    .take(count)
                    .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                    .collect();
                // Some writers leave the upper byte empty.
                let shift = if words.iter().all(|&word| word < 256) { 0 } else { 8 };
                words.iter().map(|word| (word >> shift) as u8).collect()
            };
            if colour.len() < count {
                return Err(format!("its palette has {} of {count} entries", colour.len()));
            }
        }
        let [red, green, blue] = colours;
        let rgb = red.into_iter().zip(green).zip(blue);
        let luma: Vec<u8> = rgb.map(|((r, g), b)| luma_of_rgb([r, g, b])).collect();
        if luma.is_empty() {
            return Err("its palette is empty".into());
        }
        Ok(Palette { first, luma })
    }

    fn luma(&self, value: i64) -> u8 {
        let index = value.saturating_sub(self.first).clamp(0, self.luma.len() as i64 - 1);
        self.luma[index as usize]
    }
}

/// How samples lie in the data of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// The samples of a pixel together; or one sample a pixel.
    Pixels,
    /// One plane after the other.
    Planes,
    /// Y Y Cb Cr.
    Shared,
}

impl Layout {
    /// Bytes of a frame.
    pub fn frame_bytes(self, attributes: &Attributes) -> usize {
        let pixels = attributes.pixels() * attributes.bytes;
        match self {
            Layout::Shared => 2 * pixels,
            _ => attributes.photometric.samples() * pixels,
        }
    }
}

/// Converts the samples of one file.
#[derive(Debug, Clone)]
pub struct Grey {
    /// Luma of every stored value of the first sample; `None` for RGB.
    table: Option<Vec<u8>>,
    samples: usize,
    bytes: usize,
    bits: u32,
    shift: u32,
}

impl Grey {
    pub fn new(attributes: &Attributes) -> Grey {
        let Attributes { photometric, bytes, bits, shift, .. } = *attributes;
        let table = (photometric != Photometric::Rgb).then(|| {
            (0..1u32 << bits).map(|stored| luma_of(attributes, i64::from(stored))).collect()
        });
        Grey { table, samples: photometric.samples(), bytes, bits, shift }
    }

    /// Writes the luma of the pixels in `data`, which are little endian and as many.
    pub fn convert(&self, data: &[u8], layout: Layout, luma: &mut [u8]) {
        let pixels = luma.len();
        match &self.table {
            Some(table) => {
                for (i, p) in luma.iter_mut().enumerate() {
                    let at = match layout {
                        Layout::Pixels => i * self.samples,
                        Layout::Planes => i,
                        Layout::Shared => i / 2 * 4 + i % 2,
                    };
                    *p = table[self.sample(data, at)];
                }
            }
            None => {
                let (pixel, plane) = if layout == Layout::Planes { (1, pixels) } else { (3, 1) };
                for (i, p) in luma.iter_mut().enumerate() {
                    let colour = |c: usize| {
                        let value = self.sample(data, i * pixel + c * plane) as u32;
                        (value * 255 / ((1 << self.bits) - 1)) as u8
                    };
                    *p = luma_of_rgb([colour(0), colour(1), colour(2)]);
                }
            }
        }
    }

    /// Passes 8-bit luma through the table, for decoders that give luma themselves.
    pub fn map(&self, luma: &mut [u8]) {
        if let Some(table) = &self.table {
            luma.iter_mut().for_each(|p| *p = table[usize::from(*p).min(table.len() - 1)]);
        }
    }

    /// The bits that count of the sample at `index`.
    fn sample(&self, data: &[u8], index: usize) -> usize {
        let stored = match self.bytes {
            1 => usize::from(data[index]),
            _ => usize::from(u16::from_le_bytes([data[2 * index], data[2 * index + 1]])),
        };
        stored >> self.shift & ((1 << self.bits) - 1)
    }
}

/// The luma of one stored value (PS3.3 C.11.1 and C.11.2.1.2: rescaling, then a linear window).
fn luma_of(attributes: &Attributes, stored: i64) -> u8 {
    let range = 1i64 << attributes.bits;
    let negative = attributes.signed && stored >= range / 2;
    let value = if negative { stored - range } else { stored };
    let grey = match attributes.photometric {
        Photometric::Palette => {
            return attributes.palette.as_ref().map_or(0, |palette| palette.luma(value));
        }
        Photometric::YbrPartial => {
            return full_range((stored * 255 / (range - 1)) as u8);
        }
        Photometric::Monochrome1 | Photometric::Monochrome2 => match attributes.window {
            Some((centre, width)) if width >= 1.0 => {
                let x = value as f64 * attributes.slope + attributes.intercept - (centre - 0.5);
                let half = (width - 1.0) / 2.0;
                match x {
                    x if x <= -half => 0.0,
                    x if x > half => 1.0,
                    x => x / (width - 1.0) + 0.5,
                }
            }
            _ => {
                let lowest = if attributes.signed { range / 2 } else { 0 };
                (value + lowest) as f64 / (range - 1) as f64
            }
        },
        _ => stored as f64 / (range - 1) as f64,
    };
    let grey = (grey * 255.0).round() as u8;
    if attributes.photometric == Photometric::Monochrome1 { 255 - grey } else { grey }
}

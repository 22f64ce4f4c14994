//! Pictures of an exam: the one that speaks most, what the network points at in it, and a few to see
//! the sweep by.

use std::io::Cursor;

use image::imageops::{FilterType, resize};
use image::{GrayImage, ImageFormat, RgbImage};

use super::{Clip, Key, Material};
use crate::snapshot::{HeatMap, Outline, paint};

/// The key frame is brought to this width, a frame of the strip to that.
const KEY_WIDTH: u32 = 480;
const STRIP_WIDTH: u32 = 200;

/// The key frame, and the same with heat map and outline where there are any.
pub fn key(material: &Material) -> Option<(RgbImage, Option<RgbImage>)> {
    let Key { bounds, luma, heat, outline, .. } = material.key.as_ref()?;
    let (width, height) = (bounds.width(), bounds.height());
    let grey = GrayImage::from_raw(width, height, luma.clone())?;
    let grey = fitted(&grey, KEY_WIDTH);
    let columns = grey.width() as usize;
    let painted = |heat: &HeatMap, outline: &Outline| {
        let rgb = paint(grey.as_raw(), columns, heat, outline, columns.div_ceil(200));
        RgbImage::from_raw(grey.width(), grey.height(), rgb)
    };
    let marked = !heat.is_empty() || !outline.is_empty();
    let plain = painted(&HeatMap::default(), &Outline::default())?;
    Some((plain, marked.then(|| painted(heat, outline)).flatten()))
}

/// Frames at even distances, with the time of each since the first.
pub fn strip(clip: &Clip) -> Vec<(f64, GrayImage)> {
    let shown = clip.strip().filter_map(|(number, pixels)| {
        let grey = GrayImage::from_raw(clip.width, clip.height, pixels)?;
        let since = clip.times[number].saturating_sub(clip.times[0]).as_secs_f64();
        Some((since, fitted(&grey, STRIP_WIDTH)))
    });
    shown.collect()
}

/// At a width, its sides in proportion.
fn fitted(grey: &GrayImage, width: u32) -> GrayImage {
    let height = (u64::from(grey.height()) * u64::from(width)).div_ceil(grey.width().max(1).into());
    resize(grey, width, (height as u32).max(1), FilterType::Triangle)
}

/// As a file of the web.
pub fn png(picture: &image::DynamicImage) -> image::ImageResult<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

//! Transfer syntaxes: how the pictures of a file are packed, and what unpacks them.
//!
//! All decoders are Rust. dicom-rs has adapters for the same codecs, but theirs trust sizes that
//! the data claim, and copy every fragment for every frame; so each frame is given to its decoder
//! here, and what comes out is checked against the header.

use super::attributes::{Attributes, Photometric};
use super::grey::{Grey, Layout};
use super::rle;
use crate::capture::jpeg::{Components, JpegLuma};
use crate::frame::{Frame, luma_of_rgb};

/// What unpacks a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Samples as they are, in one piece for all frames.
    Native,
    /// The same, a fragment a frame.
    Encapsulated,
    /// Baseline, extended and progressive, 8 bits.
    Jpeg,
    JpegLossless,
    Jpeg2000,
    Rle,
}

/// The codec of a transfer syntax; the error names the syntax, and what converts it.
pub fn of(uid: &str) -> Result<Codec, (String, &'static str)> {
    const RAW: &str = "decompress it first: gdcmconv --raw IN OUT";
    let (name, remedy) = match uid {
        "1.2.840.10008.1.2"
        | "1.2.840.10008.1.2.1"
        | "1.2.840.10008.1.2.1.99"
        | "1.2.840.10008.1.2.2" => return Ok(Codec::Native),
        "1.2.840.10008.1.2.1.98" => return Ok(Codec::Encapsulated),
        "1.2.840.10008.1.2.4.50"
        | "1.2.840.10008.1.2.4.51"
        | "1.2.840.10008.1.2.4.53"
        | "1.2.840.10008.1.2.4.55" => return Ok(Codec::Jpeg),
        "1.2.840.10008.1.2.4.57" | "1.2.840.10008.1.2.4.70" => return Ok(Codec::JpegLossless),
        "1.2.840.10008.1.2.4.90" | "1.2.840.10008.1.2.4.91" => return Ok(Codec::Jpeg2000),
        "1.2.840.10008.1.2.5" => return Ok(Codec::Rle),
        "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" => {
            ("JPEG-LS", "decompress it first: dcmdjpls IN OUT, or gdcmconv --raw IN OUT")
        }
        "1.2.840.10008.1.2.4.110" | "1.2.840.10008.1.2.4.111" | "1.2.840.10008.1.2.4.112" => {
            ("JPEG XL", RAW)
        }
        "1.2.840.10008.1.2.4.201" | "1.2.840.10008.1.2.4.202" | "1.2.840.10008.1.2.4.203" => {
            ("High-Throughput JPEG 2000", RAW)
        }
        _ if (100..109)
            .any(|n| uid.strip_prefix("1.2.840.10008.1.2.4.") == Some(&n.to_string())) =>
        {
            ("MPEG video", "export the clip as MP4 and name that file")
        }
        _ => ("unknown", RAW),
    };
    Err((format!("its transfer syntax is {name} ({uid})"), remedy))
}

/// Turns packed frames into pictures.
pub struct Unpacker {
    codec: Codec,
    layout: Layout,
    grey: Grey,
    jpeg: JpegLuma,
    samples: Vec<u8>,
}

impl Unpacker {
    /// For frames whose native data, where they are such, lie as `layout` says.
    pub fn new(codec: Codec, layout: Layout, attributes: &Attributes) -> Unpacker {
        let grey = Grey::new(attributes);
        Unpacker { codec, layout, grey, jpeg: JpegLuma::default(), samples: Vec::new() }
    }

    /// Overwrites size and luma of `frame` with the picture packed in `data`.
    pub fn unpack(
        &mut self,
        data: &[u8],
        attributes: &Attributes,
        frame: &mut Frame,
    ) -> Result<(), String> {
        match self.codec {
            Codec::Native | Codec::Encapsulated => {
                let needed = self.layout.frame_bytes(attributes);
                let Some(data) = data.get(..needed) else {
                    return Err(format!("{} of {needed} bytes", data.len()));
                };
                frame.resize(attributes.width, attributes.height);
                self.grey.convert(data, self.layout, &mut frame.luma);
            }
            Codec::Rle => {
                let Attributes { photometric, bytes, .. } = *attributes;
                let pixels = attributes.pixels();
                rle::unpack(data, pixels, photometric.samples(), bytes, &mut self.samples)
                    .ok_or("broken RLE data")?;
                frame.resize(attributes.width, attributes.height);
                self.grey.convert(&self.samples, Layout::Planes, &mut frame.luma);
            }
            Codec::Jpeg => {
                let rgb = attributes.photometric == Photometric::Rgb;
                let components = if rgb { Components::Rgb } else { Components::YCbCr };
                self.jpeg.decode(data, components, frame)?;
                if attributes.photometric.samples() == 1 {
                    self.grey.map(&mut frame.luma);
                }
            }
            Codec::JpegLossless => self.lossless(data, attributes, frame)?,
            Codec::Jpeg2000 => self.jpeg2000(data, attributes, frame)?,
        }
        same_size((frame.width, frame.height), attributes)
    }

    fn lossless(
        &mut self,
        data: &[u8],
        attributes: &Attributes,
        frame: &mut Frame,
    ) -> Result<(), String> {
        // The decoder panics on other shapes, so the frame header is read before.
        let header = FrameHeader::find(data).ok_or("no lossless JPEG picture in it")?;
        same_size((header.width, header.height), attributes)?;
        let samples = attributes.photometric.samples();
        let depth = if attributes.bytes == 1 { 8..=8 } else { 9..=16 };
        if header.components != samples || !depth.contains(&header.precision) || !header.plain {
            let FrameHeader { components, precision, .. } = header;
            return Err(format!(
                "{components} samples of {precision} bits, or some of them shared"
            ));
        }
        let per_pixel = samples * attributes.bytes;
        let mut decoder = jpeg_decoder::Decoder::new(data);
        decoder.set_color_transform(jpeg_decoder::ColorTransform::None);
        // Words come in the machine's own order.
        self.samples = decoder.decode().map_err(|e| e.to_string())?;
        if self.samples.len() != per_pixel * attributes.pixels() {
            return Err("not a whole picture".into());
        }
        if attributes.bytes == 2 {
            for word in self.samples.chunks_exact_mut(2) {
                word.copy_from_slice(&u16::from_ne_bytes([word[0], word[1]]).to_le_bytes());
            }
        }
        frame.resize(attributes.width, attributes.height);
        self.grey.convert(&self.samples, Layout::Pixels, &mut frame.luma);
        Ok(())
    }

    fn jpeg2000(
        &mut self,
        data: &[u8],
        attributes: &Attributes,
        frame: &mut Frame,
    ) -> Result<(), String> {
        let settings = hayro_jpeg2000::DecodeSettings { strict: true, ..Default::default() };
        let image = hayro_jpeg2000::Image::new(data, &settings).map_err(|e| e.to_string())?;
        same_size((image.width(), image.height()), attributes)?;
        let samples = attributes.photometric.samples();
        let stored =
            usize::from(image.color_space().num_channels()) + usize::from(image.has_alpha());
        if stored != samples {
            return Err(format!("{stored} samples a pixel where the header says {samples}"));
        }
        if attributes.photometric == Photometric::Palette && image.original_bit_depth() != 8 {
            return Err("a palette with other than 8-bit indices".into());
        }
        // The decoder scales any depth to 8 bits and undoes the file's own colour transform.
        self.samples = image.decode().map_err(|e| e.to_string())?;
        if self.samples.len() != samples * attributes.pixels() {
            return Err("not a whole picture".into());
        }
        frame.resize(attributes.width, attributes.height);
        match attributes.photometric {
            Photometric::Rgb | Photometric::YbrJpeg2000 => {
                for (p, rgb) in frame.luma.iter_mut().zip(self.samples.chunks_exact(3)) {
                    *p = luma_of_rgb([rgb[0], rgb[1], rgb[2]]);
                }
            }
            Photometric::Monochrome1 | Photometric::Monochrome2 if attributes.bits != 8 => {
                let inverted = attributes.photometric == Photometric::Monochrome1;
                for (p, &grey) in frame.luma.iter_mut().zip(&self.samples) {
                    *p = if inverted { 255 - grey } else { grey };
                }
            }
            _ => {
                for (p, pixel) in frame.luma.iter_mut().zip(self.samples.chunks_exact(samples)) {
                    *p = pixel[0];
                }
                self.grey.map(&mut frame.luma);
            }
        }
        Ok(())
    }
}

/// The lossless frame header of a JPEG picture (ITU-T T.81, B.2.2).
struct FrameHeader {
    precision: u8,
    width: u32,
    height: u32,
    components: usize,
    /// Every pixel has a sample of its own of every component.
    plain: bool,
}

impl FrameHeader {
    /// The one frame header of `data`; `None` where there are more, or another process.
    fn find(data: &[u8]) -> Option<FrameHeader> {
        const LOSSLESS: u8 = 0xc3;
        let mut found = None;
        let mut at = 2;
        while let Some(&[0xff, marker, high, low]) = data.get(at..at + 4) {
            if marker == 0xff {
                at += 1;
                continue;
            }
            let length = usize::from(u16::from_be_bytes([high, low]));
            let content = data.get(at + 4..at + 2 + length)?;
            match (marker, content) {
                (0xda, _) => return found,
                (LOSSLESS, &[precision, y1, y0, x1, x0, count, ref parts @ ..])
                    if found.is_none() =>
                {
                    let components = usize::from(count);
                    found = Some(FrameHeader {
                        precision,
                        width: u32::from(u16::from_be_bytes([x1, x0])),
                        height: u32::from(u16::from_be_bytes([y1, y0])),
                        components,
                        plain: parts.len() == 3 * components
                            && parts.chunks(3).all(|part| part[1] == 0x11),
                    });
                }
                // DHT, JPG and DAC lie among the numbers of frame headers.
                (0xc4 | 0xc8 | 0xcc, _) => {}
                (0xc0..=0xcf, _) => return None,
                _ => {}
            }
            at += 2 + length;
        }
        None
    }
}

fn same_size(size: (u32, u32), attributes: &Attributes) -> Result<(), String> {
    let (width, height) = (attributes.width, attributes.height);
    if size == (width, height) {
        return Ok(());
    }
    Err(format!("{}x{} pixels where the header says {width}x{height}", size.0, size.1))
}

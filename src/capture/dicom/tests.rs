//! Files written byte by byte here, and files of other makers where they are at hand.

use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::frame::{full_range, luma_of_rgb};

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const IMPLICIT: &str = "1.2.840.10008.1.2";
const BIG: &str = "1.2.840.10008.1.2.2";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const RLE: &str = "1.2.840.10008.1.2.5";
const JPEG: &str = "1.2.840.10008.1.2.4.50";
const LOSSLESS: &str = "1.2.840.10008.1.2.4.70";
const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";
const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";

const W: usize = 48;
const H: usize = 34;

/// A file under construction: elements must be added in order of their tags.
struct Writer {
    syntax: &'static str,
    data: Vec<u8>,
}

impl Writer {
    fn new(syntax: &'static str) -> Writer {
        Writer { syntax, data: Vec::new() }
    }

    fn us(self, tag: (u16, u16), values: &[u16]) -> Writer {
        let big = self.syntax == BIG;
        let bytes = |v: &u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let bytes: Vec<u8> = values.iter().flat_map(bytes).collect();
        self.element(tag, b"US", &bytes)
    }

    fn text(self, tag: (u16, u16), vr: &[u8; 2], text: &str) -> Writer {
        let padded = if text.len() % 2 == 1 { format!("{text} ") } else { text.to_owned() };
        self.element(tag, vr, padded.as_bytes())
    }

    fn element(mut self, (group, number): (u16, u16), vr: &[u8; 2], value: &[u8]) -> Writer {
        let length = value.len() as u32;
        let long = [b"OB", b"OW", b"SQ", b"UN"].contains(&vr);
        if self.syntax == BIG {
            self.data.extend([group.to_be_bytes(), number.to_be_bytes(), *vr].concat());
            match long {
                true => self.data.extend([&[0, 0], &length.to_be_bytes()[..]].concat()),
                false => self.data.extend((length as u16).to_be_bytes()),
            }
        } else {
            self.data.extend([group.to_le_bytes(), number.to_le_bytes()].concat());
            if self.syntax == IMPLICIT {
                self.data.extend(length.to_le_bytes());
            } else {
                self.data.extend(vr);
                match long {
                    true => self.data.extend([&[0, 0], &length.to_le_bytes()[..]].concat()),
                    false => self.data.extend((length as u16).to_le_bytes()),
                }
            }
        }
        self.data.extend(value);
        self
    }

    /// The attributes of a picture of 48 by 34 pixels.
    fn picture(
        self,
        photometric: &str,
        samples: u16,
        planar: u16,
        frames: usize,
        bits: [u16; 2],
    ) -> Writer {
        self.us((0x28, 0x2), &[samples])
            .text((0x28, 0x4), b"CS", photometric)
            .us((0x28, 0x6), &[planar])
            .text((0x28, 0x8), b"IS", &frames.to_string())
            .us((0x28, 0x10), &[H as u16])
            .us((0x28, 0x11), &[W as u16])
            .us((0x28, 0x100), &[bits[0]])
            .us((0x28, 0x101), &[bits[1]])
            .us((0x28, 0x102), &[bits[1] - 1])
            .us((0x28, 0x103), &[0])
    }

    fn grey(self, frames: usize) -> Writer {
        self.picture("MONOCHROME2", 1, 0, frames, [8, 8])
    }

    fn pixels(self, data: &[u8]) -> Vec<u8> {
        let vr = if self.syntax == BIG { b"OB" } else { b"OW" };
        self.element((0x7fe0, 0x10), vr, data).file()
    }

    fn fragments(mut self, fragments: &[Vec<u8>]) -> Vec<u8> {
        self.data.extend(*b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\0\0\0\0");
        for fragment in fragments {
            let padded = fragment.len().next_multiple_of(2);
            self.data.extend(*b"\xfe\xff\x00\xe0");
            self.data.extend((padded as u32).to_le_bytes());
            self.data.extend(fragment);
            self.data.resize(self.data.len() + padded - fragment.len(), 0);
        }
        self.data.extend(*b"\xfe\xff\xdd\xe0\0\0\0\0");
        self.file()
    }

    fn file(self) -> Vec<u8> {
        let mut file = vec![0; 128];
        file.extend(b"DICM");
        let meta = Writer::new(EXPLICIT)
            .element((2, 1), b"OB", &[0, 1])
            .text((2, 2), b"UI", "1.2.840.10008.5.1.4.1.1.3.1\0")
            .text((2, 3), b"UI", "1.2.3.4\0")
            .element(
                (2, 0x10),
                b"UI",
                &[self.syntax.as_bytes(), &[0][..self.syntax.len() % 2]].concat(),
            )
            .text((2, 0x12), b"UI", "1.2.3\0");
        let length = meta.data.len() as u32;
        file.extend(Writer::new(EXPLICIT).element((2, 0), b"UL", &length.to_le_bytes()).data);
        file.extend(meta.data);
        if self.syntax == DEFLATED {
            // One stored block (RFC 1951, 3.2.4).
            let length = self.data.len() as u16;
            file.push(1);
            file.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
        }
        file.extend(self.data);
        file
    }
}

fn read(file: &[u8]) -> Result<Vec<Frame>, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.dcm");
    std::fs::write(&path, file).unwrap();
    frames(&path)
}

fn frames(path: &Path) -> Result<Vec<Frame>, Error> {
    let mut source = Dicom::open(path)?;
    let mut frames = Vec::new();
    loop {
        let mut frame = Frame::default();
        if !source.next(&mut frame)? {
            return Ok(frames);
        }
        frames.push(frame);
    }
}

fn ramp(seed: usize) -> Vec<u8> {
    (0..W * H).map(|i| (i * 7 + i / W * 3 + seed * 50) as u8).collect()
}

/// A smooth picture, which lossy codecs keep.
fn hill() -> Vec<u8> {
    let height = |i: usize| {
        let (x, y) = ((i % W) as f64 / W as f64 - 0.5, (i / W) as f64 / H as f64 - 0.5);
        (230.0 * (-4.0 * (x * x + y * y)).exp()) as u8
    };
    (0..W * H).map(height).collect()
}

fn luma(file: &[u8]) -> Vec<u8> {
    read(file).unwrap().remove(0).luma
}

#[test]
fn grey_comes_through_every_native_syntax() {
    for syntax in [EXPLICIT, IMPLICIT, BIG, DEFLATED] {
        let clip = [ramp(0), ramp(1), ramp(2)];
        let frames = read(&Writer::new(syntax).grey(3).pixels(&clip.concat())).unwrap();
        assert_eq!(frames.len(), 3, "{syntax}");
        for (i, frame) in frames.iter().enumerate() {
            assert_eq!((frame.width, frame.height, frame.sequence), (W as u32, H as u32, i as u64));
            assert!(frame.luma == clip[i], "{syntax}");
        }
    }
    let bare = Writer::new(EXPLICIT).grey(1).pixels(&ramp(0)).split_off(128);
    assert_eq!(luma(&bare), ramp(0));
    let inverted: Vec<u8> = ramp(0).iter().map(|p| 255 - p).collect();
    let file = Writer::new(EXPLICIT).picture("MONOCHROME1", 1, 0, 1, [8, 8]).pixels(&ramp(0));
    assert_eq!(luma(&file), inverted);
}

#[test]
fn words_are_scaled_by_their_bits_or_by_the_window() {
    let stored: Vec<u16> = (0..W * H).map(|i| (i * 5 % 4096) as u16).collect();
    for (syntax, big) in [(EXPLICIT, false), (BIG, true)] {
        let bytes = |v: &u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let data: Vec<u8> = stored.iter().flat_map(bytes).collect();
        let twelve = || Writer::new(syntax).picture("MONOCHROME2", 1, 0, 1, [16, 12]);
        let vr = b"OW";
        let plain = luma(&twelve().element((0x7fe0, 0x10), vr, &data).file());
        let window =
            twelve().text((0x28, 0x1050), b"DS", "2048").text((0x28, 0x1051), b"DS", "1000");
        let windowed = luma(&window.element((0x7fe0, 0x10), vr, &data).file());
        for (i, &v) in stored.iter().enumerate() {
            assert!((f64::from(plain[i]) - f64::from(v) * 255.0 / 4095.0).abs() <= 0.5, "{v}");
            // PS3.3 C.11.2.1.2.
            let expected = ((f64::from(v) - 2047.5) / 999.0 + 0.5).clamp(0.0, 1.0) * 255.0;
            assert!((f64::from(windowed[i]) - expected).abs() <= 1.0, "{v}");
        }
    }
}

#[test]
fn colour_becomes_luma_however_it_is_laid_out() {
    let colour = |i: usize| [(i % 251) as u8, (i * 3 % 253) as u8, (i * 7 % 255) as u8];
    let pixels: Vec<u8> = (0..W * H).flat_map(colour).collect();
    let planes: Vec<u8> = (0..3).flat_map(|c| (0..W * H).map(move |i| colour(i)[c])).collect();
    let rgb: Vec<u8> = (0..W * H).map(|i| luma_of_rgb(colour(i))).collect();
    let first: Vec<u8> = (0..W * H).map(|i| colour(i)[0]).collect();
    let file = |photometric, planar, data: &[u8]| {
        luma(&Writer::new(EXPLICIT).picture(photometric, 3, planar, 1, [8, 8]).pixels(data))
    };
    assert_eq!(file("RGB", 0, &pixels), rgb);
    assert_eq!(file("RGB", 1, &planes), rgb);
    assert_eq!(file("YBR_FULL", 0, &pixels), first);
    assert_eq!(file("YBR_FULL", 1, &planes), first);
    let shared: Vec<u8> = first.chunks(2).flat_map(|pair| [pair[0], pair[1], 90, 200]).collect();
    assert_eq!(file("YBR_FULL_422", 0, &shared), first);
    assert_eq!(file("YBR_FULL_422", 0, &pixels), first, "chroma not shared after all");
    let full: Vec<u8> = first.iter().map(|&y| full_range(y)).collect();
    assert_eq!(file("YBR_PARTIAL_422", 0, &shared), full);
}

#[test]
fn palettes_of_both_depths_are_looked_up() {
    let red = |i: u16| 255 - (i % 256) as u8;
    for bits in [8u16, 16] {
        for syntax in [EXPLICIT, BIG] {
            let mut file = Writer::new(syntax).picture("PALETTE COLOR", 1, 0, 1, [8, 8]);
            for channel in 0..3 {
                file = file.us((0x28, 0x1101 + channel), &[256, 0, bits]);
            }
            for channel in 0..3 {
                let entry = |i: u16| if channel == 0 { red(i) } else { 40 };
                let table: Vec<u8> = match (bits, syntax == BIG) {
                    (8, false) => (0..256).map(entry).collect(),
                    (8, true) => (0..256).map(|i| entry(i ^ 1)).collect(),
                    (_, false) => (0..256).flat_map(|i| [entry(i), entry(i)]).collect(),
                    (_, true) => (0..256).flat_map(|i| [entry(i), entry(i)]).collect(),
                };
                file = file.element((0x28, 0x1201 + channel), b"OW", &table);
            }
            let expected: Vec<u8> =
                ramp(0).iter().map(|&i| luma_of_rgb([red(u16::from(i)), 40, 40])).collect();
            assert!(luma(&file.pixels(&ramp(0))) == expected, "{bits} bits, {syntax}");
        }
    }
}

/// A frame of grey bytes as literal runs.
fn rle(pixels: &[u8]) -> Vec<u8> {
    let mut fragment = vec![0; 64];
    (fragment[0], fragment[4]) = (1, 64);
    for run in pixels.chunks(100) {
        fragment.push(run.len() as u8 - 1);
        fragment.extend(run);
    }
    fragment
}

fn jpeg(pixels: &[u8]) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 95);
    let (width, height) = (W as u32, H as u32);
    image::ImageEncoder::write_image(encoder, pixels, width, height, image::ColorType::L8.into())
        .unwrap();
    jpeg
}

#[test]
fn rle_and_jpeg_give_the_same_pictures() {
    let rle_file = Writer::new(RLE).grey(2).fragments(&[rle(&ramp(3)), rle(&hill())]);
    let frames = read(&rle_file).unwrap();
    assert_eq!((&frames[0].luma, &frames[1].luma), (&ramp(3), &hill()));
    // The second frame in two fragments.
    let (first, second) = (jpeg(&ramp(3)), jpeg(&hill()));
    let (a, b) = second.split_at(300);
    let fragments = [first.clone(), a.to_vec(), b.to_vec()];
    let frames = read(&Writer::new(JPEG).grey(2).fragments(&fragments)).unwrap();
    for (frame, data) in frames.iter().zip([&first, &second]) {
        let reference = image::load_from_memory(data).unwrap().into_luma8();
        assert_eq!(&frame.luma, reference.as_raw());
    }
    let far = frames[1].luma.iter().zip(hill()).map(|(a, b)| a.abs_diff(b)).max();
    assert!(far <= Some(4), "{far:?}");
}

/// Lossless JPEG (ITU-T T.81, annex H): the left neighbour predicts, categories have five-bit codes.
fn lossless(planes: &[Vec<u16>], precision: u8) -> Vec<u8> {
    let count = planes.len() as u8;
    let mut jpeg = vec![0xff, 0xd8, 0xff, 0xc3, 0, 8 + 3 * count, precision];
    jpeg.extend([0, H as u8, 0, W as u8, count]);
    jpeg.extend((1..=count).flat_map(|id| [id, 0x11, 0]));
    jpeg.extend([0xff, 0xc4, 0, 36, 0, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    jpeg.extend(0..17);
    jpeg.extend([0xff, 0xda, 0, 6 + 2 * count, count]);
    jpeg.extend((1..=count).flat_map(|id| [id, 0]));
    jpeg.extend([1, 0, 0]);
    let mut bits = Vec::new();
    let mut put = |value: u32, length: u32| {
        bits.extend((0..length).rev().map(|at| (value >> at & 1) as u8));
    };
    for i in 0..W * H {
        for plane in planes {
            let before = match i {
                0 => 1 << (precision - 1),
                _ if i % W == 0 => i32::from(plane[i - W]),
                _ => i32::from(plane[i - 1]),
            };
            let difference = i32::from(plane[i]) - before;
            let category = 32 - difference.unsigned_abs().leading_zeros();
            put(category, 5);
            let extra = if difference < 0 { difference - 1 } else { difference };
            put(extra as u32, category);
        }
    }
    bits.resize(bits.len().next_multiple_of(8), 1);
    for byte in bits.chunks(8).map(|bits| bits.iter().fold(0u8, |byte, bit| byte << 1 | bit)) {
        jpeg.push(byte);
        if byte == 0xff {
            jpeg.push(0);
        }
    }
    jpeg.extend([0xff, 0xd9]);
    jpeg
}

#[test]
fn lossless_jpeg_is_exact() {
    let plane = |seed| ramp(seed).into_iter().map(u16::from).collect::<Vec<_>>();
    let file = |photometric, bits, planes: &[Vec<u16>]| {
        let samples = planes.len() as u16;
        Writer::new(LOSSLESS)
            .picture(photometric, samples, 0, 1, [if bits > 8 { 16 } else { 8 }, bits])
            .fragments(&[lossless(planes, bits as u8)])
    };
    assert!(luma(&file("MONOCHROME2", 8, &[plane(0)])) == ramp(0));
    let mixed: Vec<u8> =
        (0..W * H).map(|i| luma_of_rgb([ramp(0)[i], ramp(1)[i], ramp(2)[i]])).collect();
    let planes = [plane(0), plane(1), plane(2)];
    assert!(luma(&file("RGB", 8, &planes)) == mixed);
    assert!(luma(&file("YBR_FULL", 8, &planes)) == ramp(0));
    let deep: Vec<u16> = plane(0).iter().map(|p| p * 16 + 7).collect();
    let expected: Vec<u8> =
        deep.iter().map(|&p| (f64::from(p) * 255.0 / 4095.0).round() as u8).collect();
    assert!(luma(&file("MONOCHROME2", 12, &[deep])) == expected);
    let jpeg = lossless(&planes, 8);
    let file = |jpeg: &[u8]| {
        Writer::new(LOSSLESS).picture("YBR_FULL", 3, 0, 1, [8, 8]).fragments(&[jpeg.to_vec()])
    };
    // Anything in the picture's own header may be wrong.
    for at in 0..jpeg.len().min(120) {
        for value in [0, 1, 2, 17, 0x22, 0xc1, 255] {
            let mut damaged = jpeg.clone();
            damaged[at] = value;
            let _ = read(&file(&damaged));
        }
    }
}

#[test]
fn jpeg_2000_is_exact_and_its_damage_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let (raw, out) = (folder.path().join("in.grey"), folder.path().join("out.j2k"));
    std::fs::write(&raw, hill()).unwrap();
    let made = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-s", "48x34", "-i"])
        .arg(&raw)
        .args(["-c:v", "jpeg2000", "-format", "j2k", "-pred", "1", "-f", "image2"])
        .arg(&out)
        .status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no ffmpeg that writes JPEG 2000");
        return;
    }
    let packed = std::fs::read(&out).unwrap();
    let file = |data: &[u8]| Writer::new(JPEG_2000).grey(1).fragments(&[data.to_vec()]);
    assert!(luma(&file(&packed)) == hill());
    let edits = proptest::collection::vec((0.0..1.0f64, 0..=255u8), 1..6);
    let config = Config { cases: 500, failure_persistence: None, ..Config::default() };
    let run = TestRunner::new(config).run(&(edits, 0.2..1.5f64), |(edits, kept)| {
        let mut data = packed.clone();
        for (place, value) in edits {
            data[(place * place * packed.len() as f64) as usize] = value;
        }
        data.truncate((kept * packed.len() as f64) as usize);
        let _ = read(&file(&data));
        Ok(())
    });
    run.unwrap();
}

#[test]
fn frames_come_at_the_files_own_times() {
    let ms = |values: &[u64]| values.iter().map(|&v| Duration::from_millis(v)).collect::<Vec<_>>();
    let times = |element: Option<((u16, u16), &str)>| {
        let file = Writer::new(EXPLICIT);
        let file = match element {
            Some((tag @ (0x18, 0x40), text)) => file.text(tag, b"IS", text),
            Some((tag, text)) => file.text(tag, b"DS", text),
            None => file,
        };
        let frames = read(&file.grey(4).pixels(&vec![9; 4 * W * H])).unwrap();
        frames.iter().map(|frame| frame.timestamp).collect::<Vec<_>>()
    };
    assert_eq!(times(Some(((0x18, 0x1063), "33"))), ms(&[0, 33, 66, 99]));
    assert_eq!(times(Some(((0x18, 0x1065), "0\\10\\20\\40"))), ms(&[0, 10, 30, 70]));
    assert_eq!(times(Some(((0x18, 0x40), "50"))), ms(&[0, 20, 40, 60]));
    assert_eq!(times(None), ms(&[0, 40, 80, 120]));
    for nonsense in ["0", "-5", "1e300", "words", ""] {
        assert_eq!(times(Some(((0x18, 0x1063), nonsense))), ms(&[0, 40, 80, 120]), "{nonsense}");
    }
}

/// One item of the sequence of regions.
fn region(format: u16, kind: u16, [left, top, right, bottom]: [u32; 4]) -> Vec<u8> {
    let at = |item: Writer, number, value: u32| {
        item.element((0x18, number), b"UL", &value.to_le_bytes())
    };
    let item = Writer::new(EXPLICIT).us((0x18, 0x6012), &[format]).us((0x18, 0x6014), &[kind]);
    let item = at(at(item, 0x6018, left), 0x601a, top);
    let data = at(at(item, 0x601c, right), 0x601e, bottom).data;
    [b"\xfe\xff\x00\xe0", &(data.len() as u32).to_le_bytes()[..], &data].concat()
}

#[test]
fn all_but_the_files_tissue_regions_is_black() {
    let seen = |items: &[Vec<u8>]| {
        let file = Writer::new(EXPLICIT).element((0x18, 0x6011), b"SQ", &items.concat());
        luma(&file.grey(1).pixels(&vec![200; W * H]))
    };
    let lit = |luma: &[u8], inside: &dyn Fn(usize, usize) -> bool| {
        for (i, &p) in luma.iter().enumerate() {
            assert_eq!(p == 200, inside(i % W, i / W), "at {}, {}", i % W, i / W);
        }
    };
    let (a, b) = (region(1, 1, [2, 3, 20, 30]), region(1, 1, [24, 0, 47, 20]));
    let doppler = region(3, 3, [0, 0, 47, 33]);
    let one = |x, y| (2..=20).contains(&x) && (3..=30).contains(&y);
    let two = |x, y| one(x, y) || x >= 24 && y <= 20;
    lit(&seen(&[a.clone(), doppler.clone()]), &one);
    lit(&seen(&[b, a]), &two);
    // Nothing believable: the whole picture.
    let outside = region(1, 1, [0, 0, 4000, 33]);
    for items in [vec![doppler], vec![outside], vec![region(1, 1, [30, 9, 2, 20])], vec![]] {
        lit(&seen(&items), &|_, _| true);
    }
}

#[test]
fn what_cannot_be_read_says_why_in_one_line() {
    let whole = Writer::new(EXPLICIT).grey(3).pixels(&vec![7; 3 * W * H]);
    let grey = || Writer::new(EXPLICIT).grey(1);
    let odd = Writer::new(EXPLICIT).picture("HSV", 3, 0, 1, [8, 8]).pixels(&ramp(0));
    let video = "1.2.840.10008.1.2.4.102";
    let claims = {
        let mut file = whole.clone();
        let at = file.len() - 3 * W * H - 4;
        file[at..at + 4].copy_from_slice(&0xffff_fff0u32.to_le_bytes());
        file
    };
    // In a deflated file, where no length of the file's own tells the claim from the truth.
    let inflates = {
        let mut data = Writer::new(DEFLATED).grey(3).data;
        data.extend([0xe0, 0x7f, 0x10, 0, b'O', b'B', 0, 0, 0xf0, 0xff, 0xff, 0xff]);
        Writer { syntax: DEFLATED, data }.file()
    };
    // A representation that nobody knows has a long length; behind items of an unknown one, too, all is walked.
    let unknown = |syntax| {
        let mut writer = Writer::new(syntax).element((9, 1), b"UN", &[]);
        let at = writer.data.len() - 4;
        writer.data[at..].copy_from_slice(&[0xff; 4]);
        writer.data.extend([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
        writer.data.extend([9, 0, 2, 0, b'Z', b'Z', 0, 0, 0xf0, 0xff, 0xff, 0x7f]);
        writer.file()
    };
    // The parser takes the meta group to be as long as it says, whatever is in it, and needs no preamble.
    let (mut foreign, bare) = (claims.clone(), claims[128..].to_vec());
    let uid = foreign.windows(6).position(|bytes| bytes == [2, 0, 0x12, 0, b'U', b'I']).unwrap();
    foreign[uid] = 3;
    for (file, words) in [
        (foreign, "not whole or no DICOM file (unexpected end of file"),
        (bare, "not whole or no DICOM file (unexpected end of file"),
        (unknown(EXPLICIT), "(unexpected end of file"),
        (unknown(DEFLATED), "(unexpected end of file"),
        (inflates, "not whole or no DICOM file (unexpected end of file"),
        (Writer::new(JPEG_LS).grey(1).fragments(&[vec![1, 2]]), "JPEG-LS (1.2.840.10008.1.2.4.80)"),
        (Writer::new(JPEG_LS).grey(1).fragments(&[vec![1, 2]]), "gdcmconv --raw"),
        (Writer::new(video).grey(1).fragments(&[vec![1, 2]]), "MP4"),
        (Writer::new(RLE).grey(1).fragments(&[vec![1, 2]]), "frame 1 (broken RLE"),
        (Writer::new(JPEG).grey(1).fragments(&[vec![1, 2]]), "frame 1"),
        (Writer::new(JPEG).grey(2).fragments(&[vec![1], vec![2], vec![3]]), "no 2 frames"),
        (grey().file(), "holds no picture"),
        (grey().pixels(&[1, 2, 3, 4]), "frame 1 (4 of 1632 bytes)"),
        (odd, "Photometric Interpretation is HSV"),
        (whole[..whole.len() - 100].to_vec(), "not whole"),
        (claims, "not whole"),
        (b"These are words.".to_vec(), "no DICOM file"),
        (Vec::new(), "no DICOM file"),
    ] {
        let error = read(&file).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("clip.dcm: "), "{words}: {error}");
        assert!(error.contains("; ") && !error.contains('\n'), "{error}");
    }
}

#[test]
fn damaged_files_never_panic() {
    let seeds = [
        Writer::new(EXPLICIT).grey(2).pixels(&ramp(0).repeat(2)),
        Writer::new(IMPLICIT).picture("RGB", 3, 1, 1, [8, 8]).pixels(&ramp(0).repeat(3)),
        Writer::new(BIG).picture("MONOCHROME2", 1, 0, 1, [16, 12]).pixels(&ramp(0).repeat(2)),
        Writer::new(RLE).grey(1).fragments(&[rle(&ramp(0))]),
        Writer::new(JPEG).grey(2).fragments(&[jpeg(&ramp(0)), jpeg(&hill())]),
        Writer::new(EXPLICIT)
            .element((0x18, 0x6011), b"SQ", &region(1, 1, [2, 3, 20, 30]))
            .grey(1)
            .pixels(&ramp(0)),
    ];
    let edits = proptest::collection::vec((0.0..1.0f64, 0..=255u8, proptest::bool::ANY), 1..8);
    let strategy = (0..seeds.len(), edits, 0.0..1.3f64);
    let mut runner =
        TestRunner::new(Config { cases: 1500, failure_persistence: None, ..Config::default() });
    let run = runner.run(&strategy, |(seed, edits, kept)| {
        let mut file = seeds[seed].clone();
        for (place, value, early) in edits {
            // Most of a file is pixels; headers deserve as many edits.
            let room = if early { file.len().min(800) } else { file.len() };
            file[(place * room as f64) as usize] = value;
        }
        file.truncate((kept * file.len() as f64) as usize);
        let _ = read(&file);
        Ok(())
    });
    run.unwrap();
}

#[test]
fn files_of_other_makers_are_read_or_refused_in_one_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/dicom_us");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    };
    let mut read = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match frames(&path) {
            Ok(frames) => {
                read += 1;
                let last = frames.last().unwrap();
                let mean: u64 = last.luma.iter().map(|&p| u64::from(p)).sum::<u64>();
                let mean = mean / last.luma.len() as u64;
                let (count, size) = (frames.len(), (last.width, last.height));
                println!("{name}: {count} frames, {size:?}, {:?}, mean {mean}", last.timestamp);
                assert!(mean > 0, "{name} is black");
            }
            Err(error) => {
                println!("{error}");
                assert!(error.to_string().contains("; ") && !error.to_string().contains('\n'));
            }
        }
    }
    assert!(read > 0);
}

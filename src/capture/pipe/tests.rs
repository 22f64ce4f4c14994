//! Streams of real programs, through FIFOs as a camera's come, and damaged ones.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, TestRunner};
use rustix::fs::{CWD, FileType, Mode};

use super::*;
use crate::capture::file;

const W: usize = 64;
const H: usize = 48;

/// What `program` writes to stdout; `None`, with a word about it, where it does not run here:
/// programs and their plug-ins are other people's, and this tests the reader.
fn made_by(program: &str, arguments: &str) -> Option<Vec<u8>> {
    let words = arguments.split_whitespace();
    match Command::new(program).args(words).stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Some(output.stdout),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            eprintln!("skipped: {program} {arguments}: {}: {said}", output.status);
            None
        }
        Err(error) => {
            eprintln!("skipped: {program}: {error}");
            None
        }
    }
}

fn ffmpeg(arguments: &str) -> Option<Vec<u8>> {
    let source = "-v error -nostdin -f lavfi -i testsrc2=size=322x242:rate=10:duration=0.5";
    made_by("ffmpeg", &format!("{source} {arguments} -"))
}

fn all(stream: &[u8]) -> Vec<Frame> {
    let mut stream = Stream::open(stream).unwrap();
    let (mut decoder, mut raw, mut frames) = (stream.decoder(), Vec::new(), Vec::new());
    loop {
        match stream.read(&mut raw).unwrap() {
            Step::End => return frames,
            step => assert_eq!(step, Step::Frame),
        }
        let mut frame = Frame::default();
        decoder.decode(&mut raw, &mut frame).unwrap();
        frames.push(frame);
    }
}

fn mean_difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.len() as f64
}

#[test]
fn every_format_of_ffmpeg_gives_the_same_luma() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mkv");
    let Some(clip) = ffmpeg("-c:v ffv1 -pix_fmt yuv444p -f matroska") else { return };
    std::fs::write(&path, clip).unwrap();
    let mut source = file::open(&path).unwrap();
    let (mut reference, mut frame) = (Vec::new(), Frame::default());
    while source.next(&mut frame).unwrap() {
        reference.push(frame.clone());
    }
    assert_eq!(reference.len(), 5);
    let y4m = "yuv420p yuv422p yuv444p yuv411p yuvj420p yuvj422p yuvj444p gray";
    let formats = y4m.split(' ').map(|f| (f, format!("-pix_fmt {f} -f yuv4mpegpipe"), 1.0));
    let jpegs = ["yuvj420p", "yuvj444p"]
        .map(|f| (f, format!("-pix_fmt {f} -c:v mjpeg -q:v 2 -f mjpeg"), 2.5));
    for (format, arguments, tolerance) in formats.chain(jpegs) {
        let frames = all(&ffmpeg(&arguments).unwrap());
        assert_eq!(frames.len(), 5, "{arguments}");
        for (frame, reference) in frames.iter().zip(&reference) {
            assert_eq!((frame.width, frame.height), (322, 242), "{format}");
            let far = mean_difference(&frame.luma, &reference.luma);
            assert!(far <= tolerance, "{arguments}: {far}");
        }
    }
}

#[test]
fn aspect_and_fields_of_ffmpeg_are_honoured() {
    let wide = ffmpeg("-pix_fmt yuv420p -vf setsar=12/11 -f yuv4mpegpipe");
    let Some(wide) = wide else { return };
    assert_eq!(all(&wide)[0].width, 351);
    // Two fields apart in brightness: only the older one is seen.
    let flat = |level: u8| vec![level; 32];
    let header = b"YUV4MPEG2 W32 H32 F25:1 Ib A1:1 Cmono\nFRAME\n".to_vec();
    let lines = (0..32).flat_map(|y| flat(if y % 2 == 0 { 200 } else { 90 }));
    let frames = all(&header.into_iter().chain(lines).collect::<Vec<u8>>());
    assert_eq!(frames[0].luma, vec![90; 32 * 32]);
}

#[test]
fn gstreamer_writes_both_formats() {
    let source = "-q videotestsrc pattern=smpte num-buffers=4 ! \
                  video/x-raw,format=I420,width=320,height=240,framerate=25/1";
    let gst = |encoder| made_by("gst-launch-1.0", &format!("{source} ! {encoder} ! fdsink"));
    let (Some(jpeg), Some(y4m)) = (gst("jpegenc quality=95"), gst("y4menc")) else { return };
    let (jpeg, y4m) = (all(&jpeg), all(&y4m));
    assert_eq!((jpeg.len(), y4m.len()), (4, 4));
    // jpegenc passes video levels (16 to 235) on as they are.
    let full: Vec<u8> = jpeg[0].luma.iter().map(|&y| crate::frame::full_range(y)).collect();
    let far = mean_difference(&full, &y4m[0].luma);
    assert!(far < 2.0, "{far}");
}

fn fifo(folder: &Path) -> String {
    let path = folder.join("camera");
    rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A grey picture, recognizable by its level.
fn jpeg(level: u8) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 90);
    let pixels = vec![level; W * H];
    let (width, height) = (W as u32, H as u32);
    image::ImageEncoder::write_image(encoder, &pixels, width, height, image::ColorType::L8.into())
        .unwrap();
    jpeg
}

fn y4m(levels: &[u8]) -> Vec<u8> {
    let mut stream = format!("YUV4MPEG2 W{W} H{H} F25:1 Cmono\n").into_bytes();
    for &level in levels {
        stream.extend(b"FRAME Ip\n");
        stream.extend(vec![level; W * H]);
    }
    stream
}

#[test]
fn live_the_newest_frame_wins_and_gaps_show_in_the_sequence() {
    for format in ["mjpeg", "y4m"] {
        let folder = tempfile::tempdir().unwrap();
        let path = fifo(folder.path());
        let mut live = Live::open(&path).unwrap();
        assert!(
            live.is_live() && !live.ready(Duration::from_millis(30)).unwrap(),
            "nobody writes yet"
        );
        let mut writer = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        let mut frame = Frame::default();
        let levels = [10, 60, 110, 160, 210];
        let stream = if format == "y4m" { y4m(&levels) } else { levels.map(jpeg).concat() };
        writer.write_all(&stream).unwrap();
        // All of it has been taken out of the pipe before anybody asks.
        std::thread::sleep(Duration::from_millis(400));
        assert!(live.ready(Duration::ZERO).unwrap() && live.next(&mut frame).unwrap());
        assert_eq!((frame.luma[0], frame.sequence), (210, 4), "{format}");
        assert!(!live.ready(Duration::from_millis(30)).unwrap());
        drop(writer);
        assert!(live.ready(Duration::from_secs(5)).unwrap());
        assert!(!live.next(&mut frame).unwrap(), "{format}: the end");
    }
}

#[test]
fn a_damaged_picture_is_a_gap_and_the_next_one_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = fifo(folder.path());
    let mut live = Live::open(&path).unwrap();
    let mut writer = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let mut frame = Frame::default();
    let mut broken = jpeg(90);
    // The tables of its Huffman codes.
    let at = broken.windows(2).position(|w| w == [0xff, 0xc4]).unwrap();
    broken[at + 5..at + 21].fill(0xff);
    writer.write_all(&jpeg(50)).unwrap();
    assert!(live.next(&mut frame).unwrap());
    assert_eq!((frame.luma[0], frame.sequence), (50, 0));
    writer.write_all(&broken).unwrap();
    assert!(!live.ready(Duration::from_millis(300)).unwrap(), "nothing to show");
    // Cut within its scan.
    let cut = &jpeg(90)[..jpeg(90).len() - 4];
    writer.write_all(&[cut, &jpeg(150)].concat()).unwrap();
    assert!(live.next(&mut frame).unwrap());
    assert_eq!((frame.luma[0], frame.sequence), (150, 3));
}

#[test]
fn a_source_that_nobody_writes_to_can_be_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = fifo(folder.path());
    let start = Instant::now();
    for _ in 0..20 {
        drop(Live::open(&path).unwrap());
    }
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn recordings_and_nonsense_are_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let refused = check(&at("clip.y4m", &y4m(&[5]))).unwrap_err();
    assert!(refused.to_string().contains("file:PATH"), "{refused}");
    assert_eq!(refused.kind, ErrorKind::Usage);
    let missing = check("/no/such/camera").unwrap_err();
    assert!(missing.to_string().contains("mkfifo"), "{missing}");
    assert!(check(folder.path().to_str().unwrap()).is_err());
    let clip = |name, content: &[u8]| -> String {
        let mut frame = Frame::default();
        let mut source = match Recorded::open(&at(name, content)) {
            Err(error) => return error.to_string(),
            Ok(source) => source,
        };
        loop {
            match source.next(&mut frame) {
                Ok(true) => {}
                Ok(false) => return "whole".into(),
                Err(error) => return error.to_string(),
            }
        }
    };
    let two = [jpeg(9), jpeg(10)].concat();
    for (name, content, words) in [
        ("h264", &b"\0\0\0\x01\x67"[..], "H.264"),
        ("text", b"These are words.", "54 68 65 73"),
        ("empty", b"", "ended before a whole frame"),
        ("header", b"YUV4MPEG2 W64 H48 F25:1\n", "ended before a whole frame"),
        ("huge", b"YUV4MPEG2 W99999999999 H99999999999 F25:1\n", "makes no sense"),
        ("large", b"YUV4MPEG2 W99999999 H99999999 F25:1\n", "32 to 4096"),
        ("deep", b"YUV4MPEG2 W64 H48 F25:1 C420p10\n", "C420p10"),
        ("cut.y4m", &y4m(&[5, 6])[..y4m(&[5, 6]).len() - 1], "damaged at frame 2"),
        ("cut.mjpeg", &two[..two.len() - 1], "damaged at frame 2"),
        ("whole.mjpeg", &two, "whole"),
    ] {
        let said = clip(name, content);
        assert!(said.contains(words), "{name}: {said}");
        assert!(said == "whole" || said.contains("; ") && !said.contains('\n'), "{said}");
    }
}

#[test]
fn cameras_that_leave_the_usual_tables_out_are_understood() {
    let whole = jpeg(120);
    let mut bare = whole[..2].to_vec();
    let mut at = 2;
    while whole[at + 1] != 0xda {
        let length = 2 + usize::from(u16::from_be_bytes([whole[at + 2], whole[at + 3]]));
        if whole[at + 1] != 0xc4 {
            bare.extend(&whole[at..at + length]);
        }
        at += length;
    }
    bare.extend(&whole[at..]);
    assert!(bare.len() < whole.len());
    assert_eq!(all(&bare), all(&whole));
}

#[test]
fn a_lost_byte_costs_y4m_a_frame_and_not_the_stream() {
    let mut stream = y4m(&[10, 20, 30, 40]);
    let second = stream.len() - 3 * (W * H + 9) + 1000;
    stream.remove(second);
    let mut stream = Stream::open(&stream[..]).unwrap();
    let mut raw = Vec::new();
    let steps: Vec<Step> = (0..5).map(|_| stream.read(&mut raw).unwrap()).collect();
    // The frame that lost it has swallowed a byte of the next marker.
    assert_eq!(steps, [Step::Frame, Step::Frame, Step::Damaged, Step::Frame, Step::End]);
    assert!(raw.iter().all(|&p| p == 40));
}

#[test]
fn damaged_streams_never_panic_and_always_end() {
    let seeds = [y4m(&[10, 90, 250, 40]), [40, 80, 120].map(jpeg).concat()];
    let edits = proptest::collection::vec((0.0..1.0f64, 0..=255u8, 0..3u8), 0..12);
    let strategy = (0..2usize, edits, 0.0..1.3f64);
    let config = Config { cases: 3000, failure_persistence: None, ..Config::default() };
    let run = TestRunner::new(config).run(&strategy, |(seed, edits, kept)| {
        let mut data = seeds[seed].clone();
        for (place, value, kind) in edits {
            let at = (place * place * data.len() as f64) as usize;
            match kind {
                0 => data[at] = value,
                1 => data.insert(at, value),
                _ => drop(data.remove(at)),
            }
        }
        data.truncate((kept * data.len() as f64) as usize);
        let Ok(mut stream) = Stream::open(&data[..]) else { return Ok(()) };
        let (mut decoder, mut raw, mut frame) = (stream.decoder(), Vec::new(), Frame::default());
        for _ in 0..=data.len() {
            match stream.read(&mut raw) {
                Ok(Step::End) | Err(_) => return Ok(()),
                Ok(Step::Damaged) => {}
                Ok(Step::Frame) => {
                    if decoder.decode(&mut raw, &mut frame).is_ok() {
                        assert_eq!(frame.luma.len() as u32, frame.width * frame.height);
                    }
                }
            }
        }
        panic!("more frames than bytes");
    });
    run.unwrap();
}

//! Any bytes as a DICOM file: refused with words, or frames of the size that they say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sonolamp::capture::FrameSource;
use sonolamp::capture::dicom::Dicom;
use sonolamp::frame::Frame;

fuzz_target!(|bytes: &[u8]| {
    sonolamp_fuzz::quiet();
    let folder = sonolamp_fuzz::folder();
    let path = folder.path().join("file.dcm");
    std::fs::write(&path, bytes).expect("a file in memory");
    let Ok(mut dicom) = Dicom::open(&path) else { return };
    let mut frame = Frame::default();
    for _ in 0..3 {
        match dicom.next(&mut frame) {
            Ok(true) => assert_eq!(frame.luma.len(), (frame.width * frame.height) as usize),
            _ => return,
        }
    }
});

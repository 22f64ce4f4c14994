//! Animated GIF, composed frame by frame as a viewer shows it.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Duration;

use image::codecs::gif::GifDecoder;
use image::{AnimationDecoder, DynamicImage, Frames, ImageDecoder};

use super::still::luma_of;
use super::{check_size, unreadable, unusable};
use crate::capture::FrameSource;
use crate::error::Error;
use crate::frame::Frame;

/// Browsers show a delay below this as a tenth of a second, and so do we.
const SHORTEST: Duration = Duration::from_millis(20);

pub struct Animation {
    path: PathBuf,
    frames: Frames<'static>,
    sequence: u64,
    clock: Duration,
}

impl Animation {
    pub fn open(path: &Path) -> Result<Animation, Error> {
        let file = File::open(path).map_err(|e| unreadable(path, &e))?;
        let decoder = GifDecoder::new(BufReader::new(file)).map_err(|e| broken(path, 0, &e))?;
        let (width, height) = decoder.dimensions();
        check_size(path, width, height)?;
        Ok(Animation {
            path: path.to_owned(),
            frames: decoder.into_frames(),
            sequence: 0,
            clock: Duration::ZERO,
        })
    }
}

impl FrameSource for Animation {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        let Some(next) = self.frames.next() else {
            if self.sequence == 0 {
                return Err(unusable(&self.path, "holds no frames", "export the clip again"));
            }
            return Ok(false);
        };
        let next = next.map_err(|e| broken(&self.path, self.sequence, &e))?;
        let delay = Duration::from(next.delay());
        luma_of(&DynamicImage::ImageRgba8(next.into_buffer()), frame);
        frame.sequence = self.sequence;
        frame.timestamp = self.clock;
        self.sequence += 1;
        self.clock += if delay < SHORTEST { Duration::from_millis(100) } else { delay };
        Ok(true)
    }

    fn is_live(&self) -> bool {
        false
    }
}

fn broken(path: &Path, frame: u64, error: &image::ImageError) -> Error {
    let problem = format!("is broken at frame {} ({error})", frame + 1);
    unusable(path, &problem, "export the clip again, or convert it to MP4")
}

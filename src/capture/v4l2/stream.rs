//! The `v4l` crate's memory-mapped stream with waits that end and a drop that cannot panic.
//!
//! What has to be known of version 0.14: `next` queues the buffer that it gave last before it waits,
//! so after a failed wait it must not be called again until another buffer is in hand; bytes come
//! only from `next`; dropping stops the stream and panics where that fails with anything but
//! ENODEV, and the drop of the buffers then panics too, which ends the process.

use std::io;
use std::time::Duration;

use v4l::Device;
use v4l::buffer::{Metadata, Type};
use v4l::io::traits::{CaptureStream, Stream as _};
use v4l::prelude::MmapStream;

use super::foreign;
use crate::error::contained;

/// Enough that the driver never waits for us, few enough that nothing gets old.
const BUFFERS: u32 = 4;
/// `poll`'s flag for something to read.
const POLLIN: i16 = 1;
const ENODEV: i32 = 19;
/// Attempts to stop a stream, and the pause between them.
const STOPS: usize = 3;
const STOP_PAUSE: Duration = Duration::from_millis(20);

/// A device's buffers, streaming.
pub struct Stream {
    /// `None` only while it is dropped.
    inner: Option<MmapStream<'static>>,
    /// A buffer is ours and will be queued by the next call of the crate's `next`.
    in_hand: bool,
}

impl Stream {
    /// Maps buffers, queues them and starts streaming. EBUSY: another program does already.
    pub fn start(device: &Device) -> io::Result<Stream> {
        let inner = foreign(|| MmapStream::with_buffers(device, Type::VideoCapture, BUFFERS))?;
        let mut stream = Stream { inner: Some(inner), in_hand: false };
        let inner = stream.inner()?;
        // Waiting is done by `wait`; the crate's own wait only has to find what is there.
        inner.set_timeout(Duration::ZERO);
        let first = CaptureStream::next(inner).map(drop);
        stream.in_hand = first.is_ok();
        match first {
            Err(e) if !nothing_there(&e) => Err(e),
            _ => Ok(stream),
        }
    }

    /// Waits up to `patience` for something to read; an error of the device counts as something.
    pub fn wait(&mut self, patience: Duration) -> io::Result<bool> {
        let milliseconds = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
        match self.inner()?.handle().poll(POLLIN, milliseconds) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(false),
            outcome => outcome.map(|ready| ready > 0),
        }
    }

    /// Dequeues all that is ready and gives the newest buffer to `work`; `None` where there is none.
    pub fn newest<T>(&mut self, work: impl FnOnce(&[u8], &Metadata) -> T) -> io::Result<Option<T>> {
        if !self.in_hand {
            // No way to the bytes of this one: it only opens the way to the next.
            return match CaptureStream::dequeue(self.inner()?) {
                Ok(_) => {
                    self.in_hand = true;
                    Ok(None)
                }
                Err(e) if nothing_there(&e) => Ok(None),
                Err(e) => Err(e),
            };
        }
        let handle = self.inner()?.handle();
        for left in (0..BUFFERS).rev() {
            self.in_hand = false;
            let (bytes, metadata) = match CaptureStream::next(self.inner()?) {
                Ok(taken) => taken,
                Err(e) if nothing_there(&e) => return Ok(None),
                Err(e) => return Err(e),
            };
            if left == 0 || handle.poll(POLLIN, 0).is_ok_and(|ready| ready == 0) {
                let made = work(bytes, metadata);
                self.in_hand = true;
                return Ok(Some(made));
            }
            self.in_hand = true;
        }
        Ok(None)
    }

    fn inner(&mut self) -> io::Result<&mut MmapStream<'static>> {
        self.inner.as_mut().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let Some(mut inner) = self.inner.take() else { return };
        for _ in 0..STOPS {
            match foreign(|| inner.stop()) {
                Err(e) if e.raw_os_error() != Some(ENODEV) => std::thread::sleep(STOP_PAUSE),
                _ => {
                    // Stopped or gone: stopping once more succeeds, and freeing may panic once.
                    let _ = contained(|| drop(inner));
                    return;
                }
            }
        }
        // A stream that does not stop would panic twice. Its memory and descriptor are given up:
        // rather a leak than the end of the process.
        std::mem::forget(inner);
    }
}

/// The wait was in vain, which is no failure.
fn nothing_there(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), TimedOut | WouldBlock | Interrupted)
}

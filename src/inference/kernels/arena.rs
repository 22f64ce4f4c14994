//! The memory that all maps of a network lie in, and shares of the work on it.

use std::marker::PhantomData;
use std::ops::Range;

/// Bytes that a network's layers read and write, by one thread or by a team's. It gives out raw
/// places: what keeps them apart is that a [`super::Step`] reads other maps than it writes, and that
/// parts of a layer write rows or pixels of their own.
#[derive(Clone, Copy)]
pub struct Arena<'a> {
    base: *mut u8,
    len: usize,
    bytes: PhantomData<&'a mut [u8]>,
}

impl<'a> Arena<'a> {
    pub fn new(bytes: &'a mut [u8]) -> Arena<'a> {
        Arena { base: bytes.as_mut_ptr(), len: bytes.len(), bytes: PhantomData }
    }

    /// The same memory for another thread.
    ///
    /// # Safety
    /// `base` and `len` must be those of an arena that is still borrowed.
    pub(super) unsafe fn again(base: *mut u8, len: usize) -> Arena<'a> {
        Arena { base, len, bytes: PhantomData }
    }

    pub(super) fn base(self) -> *mut u8 {
        self.base
    }

    pub fn size(self) -> usize {
        self.len
    }

    /// # Safety
    /// Nothing may write there while the slice lives.
    pub(super) unsafe fn read(self, place: Range<usize>) -> &'a [u8] {
        assert!(place.start <= place.end && place.end <= self.len);
        // SAFETY: within the arena, and as the caller promises.
        unsafe { std::slice::from_raw_parts(self.base.add(place.start), place.len()) }
    }

    /// # Safety
    /// Nothing else may read or write there while the slice lives.
    pub(super) unsafe fn write(self, place: Range<usize>) -> &'a mut [u8] {
        assert!(place.start <= place.end && place.end <= self.len);
        // SAFETY: within the arena, and as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.base.add(place.start), place.len()) }
    }
}

/// A thread's part of every layer: number `index` of `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub index: usize,
    pub of: usize,
}

impl Part {
    pub const WHOLE: Part = Part { index: 0, of: 1 };

    /// Its rows of `count`: as many as any other part's, or one more; always the same ones.
    pub fn rows(self, count: usize) -> Range<usize> {
        count * self.index / self.of..count * (self.index + 1) / self.of
    }
}

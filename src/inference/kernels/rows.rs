//! Rows without weights: sums of two maps, and reals to bytes. Plain Rust, compiled once for each
//! instruction set, which makes it vector code.

use super::{Isa, Output};

/// Adds `len` bytes at two places of the arena:
/// `clamp(round_half_even((a - zeros[0]) * factors[0] + (b - zeros[1]) * factors[1]) + zero)`,
/// each product and the sum rounded to f32.
#[allow(clippy::too_many_arguments)]
pub fn add_row(
    isa: Isa,
    arena: &mut [u8],
    flip: u8,
    from: [usize; 2],
    to: usize,
    len: usize,
    zeros: [i32; 2],
    factors: [f32; 2],
    output: Output,
) {
    let apart = |src: usize| src + len <= to || to + len <= src;
    let inside = |at: usize| at + len <= arena.len();
    assert!(from.into_iter().all(|src| apart(src) && inside(src)) && inside(to));
    let base = arena.as_mut_ptr();
    // SAFETY: the places lie in the arena, and what is written overlaps nothing that is read.
    let (a, b, to) = unsafe {
        let [a, b] = from.map(|src| std::slice::from_raw_parts(base.add(src), len));
        (a, b, std::slice::from_raw_parts_mut(base.add(to), len))
    };
    let sum = Sum { flip, zeros, factors, output };
    match isa {
        // SAFETY: `Isa::available` found the features.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vnni => unsafe { sum.avx512(a, b, to) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 | Isa::AvxVnni => unsafe { sum.avx2(a, b, to) },
        _ => sum.of(a, b, to),
    }
}

/// Reals to bytes as ONNX's QuantizeLinear does: divided by `scale`, rounded half to even, `zero`
/// added, saturated. `to` gets each byte combined with the instruction set's [`Isa::flip`].
pub fn quantize_row(isa: Isa, reals: &[f32], scale: f32, zero: u8, to: &mut [u8]) {
    let row = Quantize { scale, zero: f32::from(zero), flip: isa.flip() };
    match isa {
        // SAFETY: `Isa::available` found the features.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vnni => unsafe { row.avx512(reals, to) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 | Isa::AvxVnni => unsafe { row.avx2(reals, to) },
        _ => row.of(reals, to),
    }
}

/// A quantization of a row, compiled for several instruction sets.
struct Quantize {
    scale: f32,
    zero: f32,
    flip: u8,
}

impl Quantize {
    #[inline(always)]
    fn of(&self, reals: &[f32], to: &mut [u8]) {
        for (to, &real) in to.iter_mut().zip(reals) {
            let value = (real / self.scale).round_ties_even() + self.zero;
            // What is no number becomes 0 here; `clamp` would leave it.
            #[allow(clippy::manual_clamp)]
            let value = value.max(0.0).min(255.0);
            // SAFETY: a number from 0 to 255.
            *to = unsafe { value.to_int_unchecked::<i32>() } as u8 ^ self.flip;
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn avx2(&self, reals: &[f32], to: &mut [u8]) {
        self.of(reals, to);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn avx512(&self, reals: &[f32], to: &mut [u8]) {
        self.of(reals, to);
    }
}

/// An addition of two rows, compiled for several instruction sets.
struct Sum {
    flip: u8,
    zeros: [i32; 2],
    factors: [f32; 2],
    output: Output,
}

impl Sum {
    #[inline(always)]
    fn of(&self, a: &[u8], b: &[u8], to: &mut [u8]) {
        let zero = f32::from(self.output.zero);
        let (low, high) = (f32::from(self.output.low), f32::from(self.output.high));
        let real = |byte: u8, i: usize| {
            (i32::from(byte ^ self.flip) - self.zeros[i]) as f32 * self.factors[i]
        };
        for ((to, &a), &b) in to.iter_mut().zip(a).zip(b) {
            let value = (real(a, 0) + real(b, 1)).round_ties_even() + zero;
            let value = value.max(low).min(high);
            // SAFETY: the limits are bytes, and `max` leaves nothing that is no number.
            *to = unsafe { value.to_int_unchecked::<i32>() } as u8 ^ self.flip;
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn avx2(&self, a: &[u8], b: &[u8], to: &mut [u8]) {
        self.of(a, b, to);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn avx512(&self, a: &[u8], b: &[u8], to: &mut [u8]) {
        self.of(a, b, to);
    }
}

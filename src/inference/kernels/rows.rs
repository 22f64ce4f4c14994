//! Rows without weights: sums of two maps, pools, and reals to bytes. Plain Rust, compiled once for
//! each instruction set, which makes it vector code.

use super::{Isa, Output};

/// Two maps' sum: `clamp(round_half_even((a - zeros[0]) * factors[0] + (b - zeros[1]) * factors[1])
/// + zero)`, each product and the sum rounded to f32.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sum {
    pub zeros: [u8; 2],
    pub factors: [f32; 2],
    pub output: Output,
}

/// Two maps' product: `clamp(round_half_even((a - zeros[0]) * (b - zeros[1]) * factor) + zero)`,
/// with one f32 multiplication.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Product {
    pub zeros: [u8; 2],
    pub factor: f32,
    pub output: Output,
}

/// A window's pixels in a row of `width` pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns {
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    /// How far the first window begins before the row.
    pub pad: usize,
    pub width: usize,
}

impl Columns {
    /// Those that lie in the row, of the window number `at`.
    pub fn inside(self, at: usize) -> impl Iterator<Item = usize> {
        let start = at * self.stride;
        (0..self.kernel)
            .map(move |k| start + k * self.dilation)
            .filter(move |&p| p >= self.pad && p < self.width + self.pad)
            .map(move |p| p - self.pad)
    }

    /// Where window number `at` begins, if all of it lies in the row.
    fn whole(self, at: usize) -> Option<usize> {
        let start = (at * self.stride).checked_sub(self.pad)?;
        (start + (self.kernel - 1) * self.dilation < self.width).then_some(start)
    }
}

/// Adds the bytes of two rows, see [`Sum`].
pub fn add_row(isa: Isa, a: &[u8], b: &[u8], to: &mut [u8], sum: &Sum) {
    match isa {
        // SAFETY: `Isa::available` found the features.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vnni => unsafe { super::avx512::add(a, b, to, sum) },
        _ => add(isa, a, b, to, sum, isa.flip()),
    }
}

/// Each byte of `from` through `table`, as many as `to` has.
pub fn look_up(isa: Isa, from: &[u8], table: &[u8; 256], to: &mut [u8]) {
    let from = &from[..to.len()];
    match isa {
        // SAFETY: `Isa::available` found the features, and VBMI has been found here.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Vnni if is_x86_feature_detected!("avx512vbmi") => unsafe {
            super::avx512::look_up(from, table, to);
        },
        #[cfg(target_arch = "aarch64")]
        Isa::Neon | Isa::NeonDot => super::neon::look_up(from, table, to),
        _ => {
            for (to, &byte) in to.iter_mut().zip(from) {
                *to = table[usize::from(byte ^ isa.flip())] ^ isa.flip();
            }
        }
    }
}

/// Defines functions that run those of the same name in [`plain`] as compiled for `isa`.
macro_rules! compiled {
    ($($(#[$doc:meta])* $v:vis $name:ident($($argument:ident: $type:ty),*);)*) => {$(
        $(#[$doc])*
        $v fn $name(isa: Isa, $($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn avx2($($argument: $type),*) {
                plain::$name($($argument),*);
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
            fn avx512($($argument: $type),*) {
                plain::$name($($argument),*);
            }
            match isa {
                // SAFETY: `Isa::available` found the features.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512Vnni => unsafe { avx512($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 | Isa::AvxVnni => unsafe { avx2($($argument),*) },
                _ => plain::$name($($argument),*),
            }
        }
    )*};
}

compiled! {
    /// Reals to bytes as ONNX's QuantizeLinear does: divided by `scale`, rounded half to even,
    /// `zero` added, saturated; combined with `flip`.
    pub quantize_row(reals: &[f32], scale: f32, zero: u8, to: &mut [u8], flip: u8);

    /// The larger byte of each two, to `to`.
    pub larger(to: &mut [u8], from: &[u8], flip: u8);

    /// For each pixel of `to`, the largest of each channel in its window's pixels of `from`.
    pub largest(to: &mut [u8], from: &[u8], channels: usize, columns: Columns, flip: u8);

    /// Multiplies the bytes of two rows.
    pub multiply_row(a: &[u8], b: &[u8], to: &mut [u8], product: &Product, flip: u8);

    /// Bytes of four pixels by their weights, as reals of `scales[0]`, to bytes of `scales[1]`.
    pub blend(
        corners: [(&[u8], f32); 4],
        scales: [f32; 2],
        zero: u8,
        to: &mut [u8],
        output: Output,
        flip: u8
    );

    /// Adds each byte to its sum.
    pub add_up(sums: &mut [i32], bytes: &[u8], flip: u8);

    add(a: &[u8], b: &[u8], to: &mut [u8], sum: &Sum, flip: u8);
}

mod plain {
    use super::{Columns, Output, Product, Sum};

    #[inline(always)]
    pub fn quantize_row(reals: &[f32], scale: f32, zero: u8, to: &mut [u8], flip: u8) {
        for (to, &real) in to.iter_mut().zip(reals) {
            let value = (real / scale).round_ties_even() + f32::from(zero);
            // What is no number becomes 0 here; `clamp` would leave it.
            #[allow(clippy::manual_clamp)]
            let value = value.max(0.0).min(255.0);
            // SAFETY: a number from 0 to 255.
            *to = unsafe { value.to_int_unchecked::<i32>() } as u8 ^ flip;
        }
    }

    #[inline(always)]
    pub fn add(a: &[u8], b: &[u8], to: &mut [u8], sum: &Sum, flip: u8) {
        let zeros = sum.zeros.map(i32::from);
        let zero = f32::from(sum.output.zero);
        let (low, high) = (f32::from(sum.output.low), f32::from(sum.output.high));
        let real = |byte: u8, i: usize| (i32::from(byte ^ flip) - zeros[i]) as f32 * sum.factors[i];
        for ((to, &a), &b) in to.iter_mut().zip(a).zip(b) {
            let value = (real(a, 0) + real(b, 1)).round_ties_even() + zero;
            let value = value.max(low).min(high);
            // SAFETY: the limits are bytes, and `max` leaves nothing that is no number.
            *to = unsafe { value.to_int_unchecked::<i32>() } as u8 ^ flip;
        }
    }

    #[inline(always)]
    pub fn multiply_row(a: &[u8], b: &[u8], to: &mut [u8], product: &Product, flip: u8) {
        let zeros = product.zeros.map(i32::from);
        let zero = f32::from(product.output.zero);
        let (low, high) = (f32::from(product.output.low), f32::from(product.output.high));
        for ((to, &a), &b) in to.iter_mut().zip(a).zip(b) {
            let exact = (i32::from(a ^ flip) - zeros[0]) * (i32::from(b ^ flip) - zeros[1]);
            let value = (exact as f32 * product.factor).round_ties_even() + zero;
            let value = value.max(low).min(high);
            // SAFETY: the limits are bytes, and `max` leaves nothing that is no number.
            *to = unsafe { value.to_int_unchecked::<i32>() } as u8 ^ flip;
        }
    }

    #[inline(always)]
    pub fn blend(
        [(a, wa), (b, wb), (c, wc), (d, wd)]: [(&[u8], f32); 4],
        scales: [f32; 2],
        zero: u8,
        to: &mut [u8],
        output: Output,
        flip: u8,
    ) {
        let (low, high) = (f32::from(output.low), f32::from(output.high));
        let real = |byte: u8| (i32::from(byte ^ flip) - i32::from(zero)) as f32 * scales[0];
        for ((((to, &a), &b), &c), &d) in to.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            let sum = wa * real(a) + wb * real(b) + wc * real(c) + wd * real(d);
            let value = (sum / scales[1]).round_ties_even() + f32::from(output.zero);
            let value = value.max(low).min(high);
            // SAFETY: the limits are bytes, and `max` leaves nothing that is no number.
            *to = unsafe { value.to_int_unchecked::<i32>() } as u8 ^ flip;
        }
    }

    #[inline(always)]
    pub fn larger(to: &mut [u8], from: &[u8], flip: u8) {
        for (to, &byte) in to.iter_mut().zip(from) {
            *to = max(*to, byte, flip);
        }
    }

    /// Flipped bytes are ordered as signed ones.
    #[inline(always)]
    fn max(a: u8, b: u8, flip: u8) -> u8 {
        if flip == 0 { a.max(b) } else { (a as i8).max(b as i8) as u8 }
    }

    #[inline(always)]
    pub fn largest(to: &mut [u8], from: &[u8], channels: usize, columns: Columns, flip: u8) {
        // As wide as a register where there are so many channels.
        let mut first = 0;
        while channels - first >= 64 {
            channels_from::<64>(to, from, channels, first, columns, flip);
            first += 64;
        }
        while channels - first >= 32 {
            channels_from::<32>(to, from, channels, first, columns, flip);
            first += 32;
        }
        while channels - first >= 16 {
            channels_from::<16>(to, from, channels, first, columns, flip);
            first += 16;
        }
        while first < channels {
            channels_from::<1>(to, from, channels, first, columns, flip);
            first += 1;
        }
    }

    #[inline(always)]
    fn channels_from<const N: usize>(
        to: &mut [u8],
        from: &[u8],
        channels: usize,
        first: usize,
        columns: Columns,
        flip: u8,
    ) {
        for (x, pixel) in to.chunks_exact_mut(channels).enumerate() {
            // The least that there is.
            let mut top = [flip; N];
            let mut take = |column: usize| {
                let bytes = &from[column * channels + first..][..N];
                for (top, &byte) in top.iter_mut().zip(bytes) {
                    *top = max(*top, byte, flip);
                }
            };
            match columns.whole(x) {
                Some(start) => (0..columns.kernel).for_each(|k| take(start + k * columns.dilation)),
                None => columns.inside(x).for_each(take),
            }
            pixel[first..first + N].copy_from_slice(&top);
        }
    }

    #[inline(always)]
    pub fn add_up(sums: &mut [i32], bytes: &[u8], flip: u8) {
        for (sum, &byte) in sums.iter_mut().zip(bytes) {
            *sum += i32::from(byte ^ flip);
        }
    }
}

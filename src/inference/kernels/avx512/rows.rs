//! Rows without weights: sums of two maps, and tables.

use std::arch::x86_64::*;

use super::super::rows::Sum;
use super::pack;

/// See [`Sum`]; the three have the same length.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub fn add(a: &[u8], b: &[u8], to: &mut [u8], sum: &Sum) {
    let zeros = sum.zeros.map(|zero| _mm512_set1_epi32(i32::from(zero)));
    let factors = sum.factors.map(|factor| _mm512_set1_ps(factor));
    // Quarters of the bytes' lanes, which packing puts together again.
    let real = |quarters: [__m512i; 4], i: usize| {
        quarters
            .map(|q| _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(q, zeros[i])), factors[i]))
    };
    let len = to.len().min(a.len()).min(b.len());
    for at in (0..len).step_by(64) {
        let mask = if len - at >= 64 { u64::MAX } else { (1 << (len - at)) - 1 };
        // SAFETY: the mask leaves out what is behind the end.
        let [x, y] = [a, b]
            .map(|from| unsafe { _mm512_maskz_loadu_epi8(mask, from.as_ptr().add(at).cast()) });
        let (x, y) = (real(widened(x), 0), real(widened(y), 1));
        let rounded = std::array::from_fn(|i| _mm512_cvtps_epi32(_mm512_add_ps(x[i], y[i])));
        let bytes = pack(rounded, sum.output);
        // SAFETY: as above.
        unsafe { _mm512_mask_storeu_epi8(to.as_mut_ptr().add(at).cast(), mask, bytes) };
    }
}

/// Bytes as 32-bit numbers; each register has four of each lane.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn widened(bytes: __m512i) -> [__m512i; 4] {
    let none = _mm512_setzero_si512();
    let (low, high) = (_mm512_unpacklo_epi8(bytes, none), _mm512_unpackhi_epi8(bytes, none));
    [
        _mm512_unpacklo_epi16(low, none),
        _mm512_unpackhi_epi16(low, none),
        _mm512_unpacklo_epi16(high, none),
        _mm512_unpackhi_epi16(high, none),
    ]
}

/// Each byte through `table`; both rows have the same length.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub fn look_up(from: &[u8], table: &[u8; 256], to: &mut [u8]) {
    // SAFETY: the table has four registers' bytes.
    let quarters =
        [0, 64, 128, 192].map(|at| unsafe { _mm512_loadu_si512(table.as_ptr().add(at).cast()) });
    let len = to.len().min(from.len());
    for at in (0..len).step_by(64) {
        let mask = if len - at >= 64 { u64::MAX } else { (1 << (len - at)) - 1 };
        // SAFETY: the mask leaves out what is behind the end.
        let bytes = unsafe { _mm512_maskz_loadu_epi8(mask, from.as_ptr().add(at).cast()) };
        let low = _mm512_permutex2var_epi8(quarters[0], bytes, quarters[1]);
        let high = _mm512_permutex2var_epi8(quarters[2], bytes, quarters[3]);
        let found = _mm512_mask_blend_epi8(_mm512_movepi8_mask(bytes), low, high);
        // SAFETY: as above.
        unsafe { _mm512_mask_storeu_epi8(to.as_mut_ptr().add(at).cast(), mask, found) };
    }
}

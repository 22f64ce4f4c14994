//! Rows without weights: tables.

use std::arch::aarch64::*;

/// Each flipped byte through `table`, flipped again; both rows have the same length.
pub fn look_up(from: &[u8], table: &[u8; 256], to: &mut [u8]) {
    let (whole, rest) = to.as_chunks_mut::<16>();
    let (bytes, last) = from.as_chunks::<16>();
    // SAFETY: NEON is part of every aarch64; the table has sixteen registers' bytes, each chunk one.
    unsafe {
        let row = |at: usize| vld1q_u8(table.as_ptr().add(at));
        let quarter = |at| uint8x16x4_t(row(at), row(at + 16), row(at + 32), row(at + 48));
        let quarters = [0, 64, 128, 192].map(quarter);
        let flip = vdupq_n_u8(0x80);
        for (to, bytes) in whole.iter_mut().zip(bytes) {
            let index = veorq_u8(vld1q_u8(bytes.as_ptr()), flip);
            let mut found = vqtbl4q_u8(quarters[0], index);
            for (i, &quarter) in quarters.iter().enumerate().skip(1) {
                // An index beyond the quarter leaves what was found.
                let index = vsubq_u8(index, vdupq_n_u8(i as u8 * 64));
                found = vqtbx4q_u8(found, quarter, index);
            }
            vst1q_u8(to.as_mut_ptr(), veorq_u8(found, flip));
        }
    }
    for (to, &byte) in rest.iter_mut().zip(last) {
        *to = table[usize::from(byte ^ 0x80)] ^ 0x80;
    }
}

//! RLE Lossless (PS3.5 annex G): a frame as byte planes, each packed by PackBits.

const HEADER: usize = 64;
const MOST_SEGMENTS: usize = 15;

/// Unpacks `fragment`, one frame of `samples` of `bytes` each, into planes of little-endian samples.
///
/// `None` where the fragment is broken or too short.
pub fn unpack(
    fragment: &[u8],
    pixels: usize,
    samples: usize,
    bytes: usize,
    planes: &mut Vec<u8>,
) -> Option<()> {
    let word = |at: usize| {
        let word = fragment.get(at..at + 4)?;
        Some(u32::from_le_bytes([word[0], word[1], word[2], word[3]]) as usize)
    };
    let segments = word(0)?;
    if segments < samples * bytes || segments > MOST_SEGMENTS {
        return None;
    }
    planes.clear();
    planes.resize(pixels * samples * bytes, 0);
    for (sample, plane) in planes.chunks_exact_mut(pixels * bytes).enumerate() {
        for byte in 0..bytes {
            // The most significant byte comes first.
            let segment = sample * bytes + byte;
            let start = word(4 + 4 * segment)?;
            let end = if segment + 1 < segments { word(8 + 4 * segment)? } else { fragment.len() };
            let packed = fragment.get(start.max(HEADER)..end)?;
            let place = bytes - 1 - byte;
            let mut out = plane.iter_mut().skip(place).step_by(bytes);
            unpack_bits(packed, &mut out)?;
        }
    }
    Some(())
}

/// Fills `out` from PackBits; what is left over of `packed` is padding.
fn unpack_bits<'a>(mut packed: &[u8], out: &mut impl Iterator<Item = &'a mut u8>) -> Option<()> {
    let mut next = out.next();
    while next.is_some() {
        let (&code, rest) = packed.split_first()?;
        packed = rest;
        match code {
            128 => {}
            0..128 => {
                let (literal, rest) = packed.split_at_checked(usize::from(code) + 1)?;
                packed = rest;
                for &value in literal {
                    let Some(place) = next else { return Some(()) };
                    *place = value;
                    next = out.next();
                }
            }
            129.. => {
                let (&value, rest) = packed.split_first()?;
                packed = rest;
                for _ in 0..257 - usize::from(code) {
                    let Some(place) = next else { return Some(()) };
                    *place = value;
                    next = out.next();
                }
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Apple's Technical Note TN1023, which defines PackBits.
    #[test]
    fn packbits_as_published() {
        let packed = [
            0xfe, 0xaa, 0x02, 0x80, 0x00, 0x2a, 0xfd, 0xaa, 0x03, 0x80, 0x00, 0x2a, 0x22, 0xf7,
            0xaa,
        ];
        let mut out = [0; 24];
        unpack_bits(&packed, &mut out.iter_mut()).unwrap();
        let mut expected = vec![0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0xaa, 0xaa, 0xaa, 0xaa];
        expected.extend([0x80, 0x00, 0x2a, 0x22]);
        expected.extend([0xaa; 10]);
        assert_eq!(out[..], expected);
        assert_eq!(unpack_bits(&packed[..5], &mut out.iter_mut()), None);
    }

    #[test]
    fn words_are_put_together_from_two_planes() {
        let mut fragment = vec![0; HEADER];
        fragment[0] = 2;
        fragment[4..8].copy_from_slice(&64u32.to_le_bytes());
        fragment[8..12].copy_from_slice(&68u32.to_le_bytes());
        fragment.extend([2, 1, 2, 3, 0xfe, 9, 0, 0]);
        let mut planes = Vec::new();
        unpack(&fragment, 3, 1, 2, &mut planes).unwrap();
        assert_eq!(planes, [9, 1, 9, 2, 9, 3]);
        assert_eq!(unpack(&fragment[..66], 3, 1, 2, &mut planes), None);
        assert_eq!(unpack(&fragment[..3], 3, 1, 2, &mut planes), None);
    }
}

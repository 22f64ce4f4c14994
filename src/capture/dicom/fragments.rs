//! The data of each frame: a slice of the whole, or one fragment, or several together.

use std::borrow::Cow;

use dicom_object::mem::InMemElement;

use super::codec::Codec;

/// Pixel data by frame.
pub enum Frames {
    /// All of one size, one after the other.
    Native { data: Vec<u8>, each: usize },
    /// Compressed; the first fragment of each frame, and one past the last.
    Packed { fragments: Vec<Vec<u8>>, starts: Vec<usize> },
}

impl Frames {
    /// Splits `element` into `count` frames, at least 1; the error says why that cannot be done.
    pub fn new(element: InMemElement, codec: Codec, count: usize) -> Result<Frames, String> {
        if codec == Codec::Native {
            let data =
                element.to_bytes().map_err(|_| "its picture is packed, and should not be")?;
            return Ok(Frames::Native { each: data.len() / count, data: data.into_owned() });
        }
        let table = element.offset_table().unwrap_or_default().to_vec();
        let fragments = element.into_value().into_fragments().unwrap_or_default();
        let fragments: Vec<Vec<u8>> = fragments.into_iter().collect();
        if fragments.is_empty() {
            return Err("its picture is not packed, and should be".into());
        }
        let mut starts = starts(&fragments, &table, count)
            .ok_or_else(|| format!("its {} fragments are no {count} frames", fragments.len()))?;
        starts.push(fragments.len());
        Ok(Frames::Packed { fragments, starts })
    }

    /// Bytes of a frame where all have the same size.
    pub fn bytes_each(&self) -> usize {
        match self {
            Frames::Native { each, .. } => *each,
            Frames::Packed { fragments, .. } => fragments.first().map_or(0, Vec::len),
        }
    }

    /// Native frames are this long, whatever follows the last one.
    pub fn set_bytes_each(&mut self, bytes: usize) {
        if let Frames::Native { each, .. } = self {
            *each = bytes;
        }
    }

    /// The data of frame `index`; of one that is not there, what there is.
    pub fn get(&self, index: usize) -> Cow<'_, [u8]> {
        match self {
            Frames::Native { data, each } => {
                let rest = data.get(index.saturating_mul(*each)..).unwrap_or_default();
                Cow::Borrowed(&rest[..rest.len().min(*each)])
            }
            Frames::Packed { fragments, starts } => {
                let range = starts.get(index).zip(starts.get(index + 1));
                let of = range.and_then(|(&a, &b)| fragments.get(a..b)).unwrap_or_default();
                match of {
                    [one] => Cow::Borrowed(one),
                    several => Cow::Owned(several.concat()),
                }
            }
        }
    }
}

/// Where frames start among the fragments: all in one, one each, by the offset table, or else by
/// the start of a JPEG or JPEG 2000 picture.
fn starts(fragments: &[Vec<u8>], table: &[u32], count: usize) -> Option<Vec<usize>> {
    if count == 1 {
        return Some(vec![0]);
    }
    if fragments.len() == count {
        return Some((0..count).collect());
    }
    if table.len() == count {
        let mut offset = 0;
        let offsets: Vec<u64> = fragments
            .iter()
            .map(|fragment| {
                let at = offset;
                // Each has a tag and a length before it.
                offset += fragment.len() as u64 + 8;
                at
            })
            .collect();
        let found = |at: &u32| offsets.binary_search(&u64::from(*at)).ok();
        let starts: Option<Vec<usize>> = table.iter().map(found).collect();
        return starts.filter(|starts| starts.is_sorted_by(|a, b| a < b));
    }
    let begins = |f: &Vec<u8>| f.starts_with(&[0xff, 0xd8]) || f.starts_with(&[0xff, 0x4f]);
    let starts: Vec<usize> = (0..fragments.len()).filter(|&i| begins(&fragments[i])).collect();
    (starts.len() == count).then_some(starts)
}

#[cfg(test)]
mod tests {
    use super::starts;

    #[test]
    fn frames_of_several_fragments_are_found() {
        let fragments = [vec![0xff, 0xd8, 1, 2], vec![3, 4], vec![0xff, 0xd8, 5, 6]];
        assert_eq!(starts(&fragments, &[0, 22], 2), Some(vec![0, 2]));
        assert_eq!(starts(&fragments, &[], 2), Some(vec![0, 2]));
        assert_eq!(starts(&fragments, &[], 3), Some(vec![0, 1, 2]));
        assert_eq!(starts(&fragments, &[], 1), Some(vec![0]));
        assert_eq!(starts(&fragments, &[0, 23], 2), None);
        assert_eq!(starts(&fragments, &[22, 0], 2), None);
        assert_eq!(starts(&fragments, &[], 7), None);
    }
}

//! Every format against a plain reading of its definition, and against data that is too short.

use proptest::prelude::*;

use super::*;

const FORMATS: [PixelFormat; 7] = [
    PixelFormat::Grey,
    PixelFormat::Grey16,
    PixelFormat::Rgb,
    PixelFormat::Bgr,
    PixelFormat::Yuyv,
    PixelFormat::Uyvy,
    PixelFormat::Nv12,
];
const FIELDS: [Fields; 6] = [
    Fields::Progressive,
    Fields::Interlaced,
    Fields::Sequential { top_first: true },
    Fields::Sequential { top_first: false },
    Fields::Single { top: true },
    Fields::Single { top: false },
];

/// The luma of the pixel in column `x` of a row, in floating point.
fn plain(packing: &Packing, row: &[u8], x: usize) -> f64 {
    let rgb = |r: usize, g: usize, b: usize| {
        let (kr, kb) = match packing.weights {
            Weights::Bt601 => (0.299, 0.114),
            Weights::Bt709 => (0.2126, 0.0722),
        };
        let p = |c: usize| f64::from(row[3 * x + c]);
        kr * p(r) + (1.0 - kr - kb) * p(g) + kb * p(b)
    };
    let code = match packing.format {
        PixelFormat::Grey | PixelFormat::Nv12 => f64::from(row[x]),
        PixelFormat::Grey16 => f64::from(u16::from_le_bytes([row[2 * x], row[2 * x + 1]]) >> 8),
        PixelFormat::Yuyv => f64::from(row[2 * x]),
        PixelFormat::Uyvy => f64::from(row[2 * x + 1]),
        PixelFormat::Rgb => rgb(0, 1, 2),
        PixelFormat::Bgr => rgb(2, 1, 0),
    };
    match packing.range {
        Range::Full => code,
        Range::Limited => ((code - 16.0) * 255.0 / 219.0).clamp(0.0, 255.0),
    }
}

proptest! {
    #[test]
    fn rows_follow_the_stride_whatever_the_format(
        format in prop::sample::select(&FORMATS[..]),
        (width, height, padding) in (1u32..40, 1u32..20, 0usize..9),
        limited in any::<bool>(), bt709 in any::<bool>(),
        seed in any::<u8>(),
    ) {
        let stride = format.row_bytes(width) + padding;
        let packing = Packing {
            format, width, height, stride,
            range: if limited { Range::Limited } else { Range::Full },
            weights: if bt709 { Weights::Bt709 } else { Weights::Bt601 },
            fields: Fields::Progressive,
        };
        let data: Vec<u8> = (0..packing.bytes().unwrap())
            .map(|i| (i as u8).wrapping_mul(37).wrapping_add(seed)).collect();
        let mut frame = Frame::default();
        prop_assert!(packing.luma(&data, &mut frame));
        prop_assert_eq!((frame.width, frame.height), (width, height));
        for (i, &got) in frame.luma.iter().enumerate() {
            let (x, y) = (i % width as usize, i / width as usize);
            let expected = plain(&packing, &data[y * stride..], x);
            // 8-bit weights, then expansion by 255/219, each rounded.
            prop_assert!((f64::from(got) - expected).abs() <= 2.0, "{}: {} for {}", i, got, expected);
        }
        prop_assert!(!packing.luma(&data[..data.len() - 1], &mut frame), "one byte is missing");
    }

    #[test]
    fn nothing_from_a_device_panics(
        format in prop::sample::select(&FORMATS[..]),
        fields in prop::sample::select(&FIELDS[..]),
        (width, height, stride) in (0u32..50, 0u32..50, 0usize..200),
        data in prop::collection::vec(any::<u8>(), 0..4000),
    ) {
        let (range, weights) = (Range::Limited, Weights::Bt601);
        let packing = Packing { format, width, height, stride, range, weights, fields };
        let mut frame = Frame::default();
        let whole = packing.luma(&data, &mut frame);
        prop_assert_eq!(whole, packing.bytes().is_some_and(|bytes| data.len() >= bytes));
    }
}

#[test]
fn ranges_map_black_white_and_grey() {
    for v in 0..=255u8 {
        assert_eq!(luma_of_rgb([v; 3]), v);
        let exact = ((f64::from(v) - 16.0) * 255.0 / 219.0).clamp(0.0, 255.0);
        assert!((f64::from(full_range(v)) - exact).abs() <= 0.5, "{v}");
    }
    assert_eq!((full_range(16), full_range(235)), (0, 255));
}

#[test]
fn stripes_of_two_instants_leave_no_comb() {
    // The top field saw 40, the bottom field 200; top rows first in the picture.
    let (width, height) = (8, 6);
    let rows = |fields: Fields| -> Vec<u8> {
        let row = |y: u32| match fields {
            Fields::Interlaced => [40, 200][(y % 2) as usize],
            Fields::Sequential { top_first } => [40, 200][usize::from((y < 3) != top_first)],
            _ => 40,
        };
        (0..height).flat_map(|y| vec![row(y); width as usize]).collect()
    };
    for fields in FIELDS {
        let packing = Packing {
            format: PixelFormat::Grey,
            width,
            height,
            stride: 8,
            range: Range::Full,
            weights: Weights::Bt601,
            fields,
        };
        let mut frame = Frame::default();
        assert!(packing.luma(&rows(fields), &mut frame));
        assert_eq!(frame.height, packing.picture_height());
        assert!(frame.luma.iter().all(|&p| p == 40), "{fields:?}");
    }
}

#[test]
fn single_fields_keep_their_place() {
    let packing = |top: bool| Packing {
        format: PixelFormat::Grey,
        width: 1,
        height: 3,
        stride: 1,
        range: Range::Full,
        weights: Weights::Bt601,
        fields: Fields::Single { top },
    };
    let mut frame = Frame::default();
    assert!(packing(true).luma(&[10, 20, 40], &mut frame));
    assert_eq!(frame.luma, [10, 15, 20, 30, 40, 40]);
    assert!(packing(false).luma(&[10, 20, 40], &mut frame));
    assert_eq!(frame.luma, [10, 10, 15, 20, 30, 40]);
}

//! Every kernel of this processor against the definition, bit for bit.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// Small deterministic numbers.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Every fourth scale a power of two, so that exact ties occur; every fifth weight extreme. Half of
/// the layers have no -128, which some kernels treat apart.
fn weights(numbers: &mut Numbers, channels: usize, inputs: usize) -> Weights {
    let least = [-128, -127][numbers.below(2)];
    let values = (0..channels * inputs)
        .map(|_| match numbers.below(5) {
            0 => [-128, -127, 127, 0][numbers.below(4)].max(least),
            _ => (numbers.next() as i8).max(least),
        })
        .collect();
    let bias = (0..channels).map(|_| numbers.below(40_001) as i32 - 20_000).collect();
    let scale = (0..channels)
        .map(|c| {
            let m = (0.5 + numbers.below(1000) as f32 / 1000.0) / (30.0 * inputs as f32).max(60.0);
            if c % 4 == 3 { m.log2().round().exp2() } else { m }
        })
        .collect();
    Weights { values, bias, scale }
}

fn output(numbers: &mut Numbers) -> Output {
    let zero = [0, 255, 128, numbers.next() as u8][numbers.below(4)];
    let (a, b) = (numbers.next() as u8, numbers.next() as u8);
    let (low, high) = if numbers.below(3) == 0 { (a.min(b), a.max(b)) } else { (0, 255) };
    Output { zero, low, high }
}

#[derive(Debug, Clone)]
struct Layer {
    window: (usize, usize),
    stride: (usize, usize),
    dilation: usize,
    size: (usize, usize),
    inputs: usize,
    channels: usize,
    seed: u64,
}

fn layers(depthwise: bool) -> impl Strategy<Value = Layer> {
    let channels = if depthwise { 1..200usize } else { 1..140usize };
    let shape = (1..6usize, 1..6usize, 1..4usize, 1..4usize, 1..3usize);
    (shape, 1..20usize, 1..20usize, 1..40usize, channels, any::<u64>()).prop_map(
        |((kh, kw, sy, sx, dilation), rows, width, inputs, channels, seed)| {
            // Half are of the field's usual shapes, which kernels have code of their own for.
            let usual = seed % 2 == 0;
            let (side, step) = (if kh < 3 { 3 } else { 5 }, if sy == 1 { 1 } else { 2 });
            Layer {
                window: if usual { (side, side) } else { (kh, kw) },
                stride: if usual { (step, step) } else { (sy, sx) },
                dilation: if usual { 1 } else { dilation },
                size: (rows, width),
                inputs,
                channels,
                seed: seed | 1,
            }
        },
    )
}

/// Arena with random bytes, geometry, where to read and where to write.
fn place(layer: &Layer, pixel: usize, numbers: &mut Numbers) -> (Vec<u8>, Geometry, usize, usize) {
    let (rows, width) = layer.size;
    let ((kh, kw), (sy, sx)) = (layer.window, layer.stride);
    let row = ((width - 1) * sx + (kw - 1) * layer.dilation + 1) * pixel;
    let height = (rows - 1) * sy + (kh - 1) * layer.dilation + 1;
    let taps =
        |y: usize| (0..kw).map(move |x| y * layer.dilation * row + x * layer.dilation * pixel);
    // A row of the window is one strip where its bytes are adjacent and all are multiplied.
    let joined = layer.dilation == 1 && pixel == layer.inputs;
    let (strips, depth) = if joined {
        ((0..kh).map(|y| y * row).collect(), kw * pixel)
    } else {
        ((0..kh).flat_map(taps).collect(), pixel)
    };
    let out_x = layer.channels + layer.seed as usize % 3 * 5;
    let out_y = width * out_x + layer.seed as usize % 7;
    let (src, dst) = (3, 3 + height * row + SLACK);
    let g = Geometry { rows, width, in_x: sx * pixel, in_y: sy * row, out_x, out_y, strips, depth };
    let len = dst + rows * out_y + out_x + SLACK;
    let arena = (0..len).map(|_| [0, 255, numbers.next() as u8][numbers.below(3)]).collect();
    (arena, g, src, dst)
}

/// Runs `run` on every instruction set and compares what it wrote, and that it wrote nothing else.
fn compare(
    isas: &[Isa],
    arena: &[u8],
    mut run: impl FnMut(Isa, &mut [u8]),
) -> Result<(), TestCaseError> {
    let mut expected = arena.to_vec();
    run(Isa::Scalar, &mut expected);
    for &isa in isas {
        let mut found: Vec<u8> = arena.iter().map(|b| b ^ isa.flip()).collect();
        run(isa, &mut found);
        found.iter_mut().for_each(|b| *b ^= isa.flip());
        prop_assert!(found == expected, "{} differs from the definition", isa.name());
    }
    Ok(())
}

/// All parts, one after the other; how many depends on `seed`.
fn in_parts(arena: &mut [u8], seed: u64, mut run: impl FnMut(Arena, Part)) {
    let of = [1, 1, 2, 3, 4][(seed / 7 % 5) as usize];
    (0..of).for_each(|index| run(Arena::new(arena), Part { index, of }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn dense_kernels_give_the_definitions_bits(layer in layers(false)) {
        let mut numbers = Numbers(layer.seed);
        let (arena, g, src, dst) = place(&layer, layer.inputs, &mut numbers);
        let weights = weights(&mut numbers, layer.channels, g.strips.len() * g.depth);
        let out = output(&mut numbers);
        compare(&Isa::available(), &arena, |isa, arena| {
            let dense = Dense::new(isa, g.clone(), weights.clone(), out);
            let mut scratch = vec![0; dense.scratch()];
            in_parts(arena, layer.seed, |arena, part| {
                dense.run(arena, src, dst, &mut scratch, part);
            });
        })?;
    }

    #[test]
    fn narrow_layers_give_the_definitions_bits(
        channels in 0u32..5, inputs in 1usize..40, rows in 1usize..4, pixels in 1usize..70,
        seed in 1u64..
    ) {
        let mut numbers = Numbers(seed);
        let channels = 1 << channels;
        let out = output(&mut numbers);
        let g = Geometry {
            rows, width: pixels, in_x: inputs, in_y: inputs * pixels, out_x: channels,
            out_y: channels * pixels + 3, strips: vec![0], depth: inputs,
        };
        let dst = g.reach() + SLACK;
        let arena: Vec<u8> =
            (0..dst + rows * g.out_y + SLACK).map(|_| numbers.next() as u8).collect();
        let weights = weights(&mut numbers, channels, inputs);
        compare(&Isa::available(), &arena, |isa, arena| {
            let dense = Dense::new(isa, g.clone(), weights.clone(), out);
            let mut scratch = vec![0; dense.scratch()];
            in_parts(arena, seed, |arena, part| dense.run(arena, 0, dst, &mut scratch, part));
        })?;
    }

    #[test]
    fn depthwise_kernels_give_the_definitions_bits(layer in layers(true)) {
        let mut numbers = Numbers(layer.seed);
        // Taps, not joined rows.
        let layer = Layer { inputs: 0, ..layer };
        let (arena, g, src, dst) = place(&layer, layer.channels, &mut numbers);
        let weights = weights(&mut numbers, layer.channels, g.strips.len());
        let out = output(&mut numbers);
        compare(&Isa::available(), &arena, |isa, arena| {
            let columns = layer.window.1;
            let kernel = Depthwise::new(isa, g.clone(), columns, weights.clone(), out);
            in_parts(arena, layer.seed, |arena, part| kernel.run(arena, src, dst, part));
        })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_give_the_definitions_bits(len in 1usize..200, seed in 1u64..) {
        let mut numbers = Numbers(seed);
        let mut row = |len: usize| (0..len).map(|_| numbers.next() as u8).collect::<Vec<_>>();
        let arena = row(2 * len);
        let zeros = [row(1)[0], row(1)[0]];
        // Powers of two make ties.
        let factor = |byte: u8| if byte < 100 { 0.5 } else { f32::from(byte) / 200.0 };
        let factors = [factor(row(1)[0]), factor(row(1)[0])];
        let sum = Sum { zeros, factors, output: output(&mut numbers) };
        let expected: Vec<u8> = (0..len).map(|i| {
            let real = |i: usize, of: usize| {
                f32::from(i16::from(arena[i]) - i16::from(zeros[of])) * factors[of]
            };
            let rounded = (real(i, 0) + real(len + i, 1)).round_ties_even() as i32;
            let Output { zero, low, high } = sum.output;
            (rounded + i32::from(zero)).clamp(low.into(), high.into()) as u8
        }).collect();
        for isa in Isa::available() {
            let flipped: Vec<u8> = arena.iter().map(|b| b ^ isa.flip()).collect();
            let mut found = vec![0; len];
            add_row(isa, &flipped[..len], &flipped[len..2 * len], &mut found, &sum);
            found.iter_mut().for_each(|b| *b ^= isa.flip());
            prop_assert_eq!(&found, &expected, "{}", isa.name());
        }
    }

    #[test]
    fn tables_products_and_blends_give_the_definitions_bits(len in 1usize..200, seed in 1u64..) {
        let mut numbers = Numbers(seed);
        let mut row = |len: usize| (0..len).map(|_| numbers.next() as u8).collect::<Vec<_>>();
        let table: [u8; 256] = row(256).try_into().unwrap();
        let rows = [row(len), row(len), row(len), row(len)];
        let (zeros, weights) = ([row(1)[0], row(1)[0]], row(4));
        let output = output(&mut numbers);
        let product = Product { zeros, factor: [0.5, 0.013][numbers.below(2)], output };
        // Sixteenths make ties.
        let weights = [0, 1, 2, 3].map(|i| f32::from(weights[i] / 16) / 16.0);
        let scales = [[0.5, 0.25], [0.013, 0.02]][numbers.below(2)];
        let bytes = |isa: Isa| {
            let flip = isa.flip();
            let flipped = [0, 1, 2, 3].map(|i| rows[i].iter().map(|b| b ^ flip).collect::<Vec<_>>());
            let mut found = vec![0; 3 * len];
            look_up(isa, &flipped[0], &table, &mut found[..len]);
            multiply_row(isa, &flipped[0], &flipped[1], &mut found[len..2 * len], &product, flip);
            let corners = [0, 1, 2, 3].map(|i| (&flipped[i][..], weights[i]));
            blend(isa, corners, scales, zeros[0], &mut found[2 * len..], output, flip);
            found.iter().map(|b| b ^ flip).collect::<Vec<_>>()
        };
        let limited = |rounded: f32| {
            let Output { zero, low, high } = output;
            (rounded as i32 + i32::from(zero)).clamp(low.into(), high.into()) as u8
        };
        let less = |byte: u8, zero: u8| f32::from(i16::from(byte) - i16::from(zero));
        let mut expected: Vec<u8> = rows[0].iter().map(|&b| table[usize::from(b)]).collect();
        expected.extend((0..len).map(|i| {
            let exact = less(rows[0][i], zeros[0]) * less(rows[1][i], zeros[1]);
            limited((exact * product.factor).round_ties_even())
        }));
        expected.extend((0..len).map(|i| {
            let real = |k: usize| weights[k] * (less(rows[k][i], zeros[0]) * scales[0]);
            limited(((real(0) + real(1) + real(2) + real(3)) / scales[1]).round_ties_even())
        }));
        for isa in Isa::available() {
            prop_assert_eq!(bytes(isa), &expected[..], "{}", isa.name());
        }
    }

    #[test]
    fn pools_give_the_definitions_bits(
        width in 1usize..20, channels in 1usize..150, kernel in 1usize..4, stride in 1usize..3,
        dilation in 1usize..3, pad in 0usize..2, seed in 1u64..
    ) {
        let mut numbers = Numbers(seed);
        let from: Vec<u8> = (0..width * channels).map(|_| numbers.next() as u8).collect();
        let columns = Columns { kernel, stride, dilation, pad: pad.min(kernel - 1), width };
        let outputs = width.div_ceil(stride);
        let expected: Vec<u8> = (0..outputs * channels).map(|i| {
            let pixels = columns.inside(i / channels);
            pixels.map(|x| from[x * channels + i % channels]).max().unwrap_or(0)
        }).collect();
        for isa in Isa::available() {
            let flipped: Vec<u8> = from.iter().map(|b| b ^ isa.flip()).collect();
            let mut found = vec![1; outputs * channels];
            largest(isa, &mut found, &flipped, channels, columns, isa.flip());
            found.iter_mut().for_each(|b| *b ^= isa.flip());
            prop_assert_eq!(&found, &expected, "{}", isa.name());
            let mut sums = vec![7; channels];
            add_up(isa, &mut sums, &flipped, isa.flip());
            let right = sums.iter().zip(&from).all(|(&sum, &byte)| sum == 7 + i32::from(byte));
            prop_assert!(right, "{}", isa.name());
        }
    }
}

#[test]
fn ties_go_to_the_even_number_and_limits_hold() {
    let out = Output { zero: 10, low: 8, high: 20 };
    for (acc, y) in [(1, 10), (3, 12), (5, 12), (-1, 10), (-3, 8), (-5, 8), (1000, 20)] {
        assert_eq!(scalar::requantize(acc, 0.5, out), y, "{acc}");
    }
}

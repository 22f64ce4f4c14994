//! rten as a worker: says `ready`, then reads a number of runs a line and prints microseconds, as
//! peer.py does.
//!
//!     RTEN_NUM_THREADS=1 rten-peer NETWORK.onnx

use std::error::Error;
use std::io::BufRead;
use std::time::Instant;

use rten::{DataType, Dimension, ModelOptions, Value, ValueType};
use rten_tensor::Tensor;

/// The input that `sonolamp bench` makes up.
fn made_up(count: usize) -> impl Iterator<Item = u8> {
    (0..count).map(|i| (i as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0])
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name an ONNX file")?;
    let model = ModelOptions::with_all_ops().prepack_weights(true).load_file(path)?;
    let id = *model.input_ids().first().ok_or("the network has no input")?;
    let side = |side: Dimension| match side {
        Dimension::Fixed(size) => size,
        Dimension::Symbolic(_) => 1,
    };
    let shape: Vec<usize> =
        model.input_shape(0).ok_or("the input has no shape")?.into_iter().map(side).collect();
    let bytes = made_up(shape.iter().product());
    let input: Value = match model.node_info(id).and_then(|node| node.dtype()) {
        Some(ValueType::Tensor(DataType::UInt8)) => {
            Tensor::from_data(&shape, bytes.collect::<Vec<_>>()).into()
        }
        _ => Tensor::from_data(&shape, bytes.map(|b| f32::from(b) / 255.0).collect::<Vec<_>>())
            .into(),
    };
    model.run_one(input.as_view().into(), None)?;
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let runs: usize = line?.trim().parse().unwrap_or(0);
        if runs == 0 {
            break;
        }
        let mut times = Vec::with_capacity(runs);
        for _ in 0..runs {
            let begin = Instant::now();
            model.run_one(input.as_view().into(), None)?;
            times.push(format!("{:.2}", begin.elapsed().as_secs_f64() * 1e6));
        }
        println!("{}", times.join(" "));
    }
    Ok(())
}

//! Sonolamp: frames in, quantized CNN, *refer / clear / ungradable* out.

pub mod capture;
pub mod frame;
pub mod preprocess;
pub mod error;

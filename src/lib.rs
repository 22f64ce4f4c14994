//! Sonolamp: frames in, quantized CNN, *refer / clear / ungradable* out.

pub mod capture;
pub mod frame;
pub mod preprocess;
pub mod bundle;
pub mod inference;
pub mod screening;
pub mod error;

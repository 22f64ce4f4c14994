//! Sonolamp: frames in, quantized CNN, *refer / clear / ungradable* out.
//!
//! The path of a frame runs through the modules in this order; `ARCHITECTURE.md` draws it.

#[cfg(test)]
mod agreement;
pub mod archive;
pub mod bundle;
pub mod buttons;
pub mod capture;
pub mod cli;
pub mod config;
pub mod dashboard;
pub mod device;
pub mod error;
pub mod evaluation;
pub mod exam;
pub mod frame;
pub mod gpio;
pub mod handover;
pub mod headless;
pub mod inference;
pub mod lamps;
pub mod pacs;
pub mod panel;
pub mod patient;
pub mod pipeline;
pub mod preprocess;
pub mod protocol;
pub mod reel;
pub mod screening;
pub mod service;
pub mod snapshot;
pub mod store;
pub mod texts;
pub mod watch;

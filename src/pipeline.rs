//! Wiring: the stages a frame passes, run over a clip or live in threads.

pub mod capturing;
pub mod clip;
pub mod latest;
pub mod live;
pub mod rehearsal;
pub mod shutdown;
mod speed;
mod stages;

pub use stages::{Model, Stages};

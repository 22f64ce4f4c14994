//! `sonolamp panel`: the panel's pixels as a picture, for documents and for looking at a layout
//! without a display.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use super::stored;
use crate::panel::sample::{self, Sample};
use crate::panel::{Driver, picture};

/// Write what the panel shows in a state to a PNG file
#[derive(clap::Args)]
pub struct Arguments {
    /// The file to write
    #[arg(long, value_name = "FILE")]
    png: PathBuf,
    /// The state to show
    #[arg(long, value_enum, default_value = "refer")]
    state: StateName,
    /// The display: ssd1306 is 128x64 in one colour, st7789 (and ili9341) 240x320 in colour
    #[arg(long, value_enum, default_value = "ssd1306")]
    model: Model,
    /// The colour display turned to 320x240
    #[arg(long)]
    wide: bool,
    /// As a demonstration source shows it
    #[arg(long)]
    demo: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum StateName {
    Refer,
    Clear,
    Ungradable,
    Fault,
    Idle,
    Held,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Model {
    Ssd1306,
    St7789,
    Ili9341,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let state = match arguments.state {
        StateName::Refer => Sample::Refer,
        StateName::Clear => Sample::Clear,
        StateName::Ungradable => Sample::Ungradable,
        StateName::Fault => Sample::Fault,
        StateName::Idle => Sample::Idle,
        StateName::Held => Sample::Held,
    };
    let (driver, factor) = match arguments.model {
        Model::Ssd1306 => (Driver::Ssd1306, 4),
        Model::St7789 => (Driver::St7789, 2),
        Model::Ili9341 => (Driver::Ili9341, 2),
    };
    let rotation = if arguments.wide { 90 } else { 0 };
    let snapshot = sample::snapshot(state, arguments.demo);
    let picture = picture::draw(&snapshot, driver, rotation).enlarged(factor);
    let (width, height) = (picture.width, picture.height);
    let kind = image::ColorType::Rgb8;
    let saved = image::save_buffer_with_format(
        &arguments.png,
        &picture.rgb,
        width,
        height,
        kind,
        image::ImageFormat::Png,
    );
    stored(&arguments.png, saved.map_err(std::io::Error::other))?;
    Ok(ExitCode::SUCCESS)
}

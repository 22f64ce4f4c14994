//! The parts of the box, one look each. Readings of the machine lie below a root that tests move.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::finding::Finding;
use crate::bundle::{Bundle, Trusted};
use crate::capture::phantom::Phantom;
use crate::cli::exam;
use crate::cli::run::WAY_OUT;
use crate::config::{Config, LampDriver};
use crate::device;
use crate::error::{Error, ErrorKind, plain_words};
use crate::gpio;
use crate::inference::Placement;
use crate::panel;
use crate::pipeline::{Model, clip};
use crate::screening::Mode;
use crate::snapshot::{Clock, Device, Power};

/// Free space below which an exam may fail, or soon will.
const FULL: u64 = 100 << 20;
const SOON_FULL: u64 = 1 << 30;
/// Memory that must be left.
const LEAST_MEMORY: u64 = 32 << 20;
const LITTLE_MEMORY: u64 = 96 << 20;
/// Degrees at which boards slow down.
const HOT: f32 = 80.0;
/// How worn a flash memory may be, in tenths of its life.
const WORN: u32 = 9;

fn text(root: &Path, path: &str) -> Option<String> {
    let text = std::fs::read_to_string(root.join(path)).ok()?;
    Some(text.trim_end_matches(['\0', '\n']).trim().to_owned()).filter(|text| !text.is_empty())
}

/// Lines of lamps and buttons: there, and free or ours.
pub fn lines(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if config.driver == LampDriver::Console {
        findings.push(Finding::well("lamps", "none are wired (driver console)"));
    } else {
        let lamps = &config.wiring;
        findings.push(used("lamps", lamps.lines().into_iter(), &lamps.chip));
    }
    let buttons = &config.buttons;
    if buttons.lines().next().is_some() {
        findings.push(used("buttons", buttons.lines().map(|(_, line)| line), &buttons.chip));
    }
    findings
}

fn used<'a>(
    part: &'static str,
    lines: impl Iterator<Item = &'a gpio::LineName>,
    chip: &str,
) -> Finding {
    let mut said = Vec::new();
    for line in lines {
        match gpio::look(line, chip) {
            Err(error) => return Finding::error(part, &error),
            Ok(None) => said.push(format!("{line} is free")),
            Ok(Some(user)) if user == gpio::CONSUMER => {
                said.push(format!("{line} is ours"));
            }
            Ok(Some(user)) => {
                let what = format!("{line} is in use by \"{user}\"");
                let remedy = "end that program or overlay, or give the lamp or button another line";
                return Finding::trouble(part, ErrorKind::Device, what, remedy);
            }
        }
    }
    Finding::well(part, said.join(", "))
}

/// The panel's bus: a node that this user may use.
pub fn panel(root: &Path, wiring: Option<&panel::Wiring>) -> Finding {
    let Some(wiring) = wiring else { return Finding::well("panel", "none is configured") };
    let bus = wiring.bus();
    let path = root.join(bus.trim_start_matches('/'));
    let both = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK;
    match rustix::fs::access(&path, both) {
        Ok(()) => Finding::well("panel", format!("its bus {bus} is there")),
        Err(e) => {
            let what = format!("its bus {bus} cannot be used ({})", plain_words(&e.into()));
            let remedy = "switch I2C or SPI on (dtparam=i2c_arm=on or spi=on; load i2c-dev), and let \
                          this user into the group i2c or spi";
            Finding::trouble("panel", ErrorKind::Device, what, remedy)
        }
    }
}

/// Space, whether it can be written, and what the medium says of its health.
pub fn storage(root: &Path, config: &Config, folder: &Path, facts: &Device) -> Vec<Finding> {
    let mut findings = Vec::new();
    let shown = folder.display();
    match &facts.disk {
        None => {}
        Some(disk) if disk.read_only => {
            let what = format!("{shown} is on a read-only file system");
            let remedy =
                "switch it off and on; if it stays, the card is worn: copy it and replace it";
            findings.push(Finding::trouble("storage", ErrorKind::Storage, what, remedy));
        }
        Some(disk) => {
            let what = format!("{} of {} MB free", disk.free >> 20, disk.size >> 20);
            let reserve = config.store.as_ref().map_or(FULL, |store| store.reserve.max(FULL));
            findings.push(if disk.free <= reserve && config.store.is_some() {
                let what = format!("{what} where {shown} is: no exam can be kept");
                let remedy = "export exams and erase them (`sonolamp exam`), or take a larger card";
                Finding::trouble("storage", ErrorKind::Storage, what, remedy)
            } else if disk.free <= reserve.saturating_add(SOON_FULL) && config.store.is_some() {
                Finding::notice("storage", what, "export exams and erase them before it is full")
            } else {
                Finding::well("storage", what)
            });
        }
    }
    if folder.is_dir() && !facts.disk.as_ref().is_some_and(|disk| disk.read_only) {
        findings.extend(writable(folder).err().map(|e| {
            let what = format!("{shown} cannot be written ({})", plain_words(&e));
            let remedy = "run it as the user that runs sonolamp, or look at who owns the folder";
            Finding::trouble("storage", ErrorKind::Storage, what, remedy)
        }));
    }
    findings.extend(health(root));
    findings
}

fn writable(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    let written = std::fs::File::create_new(&probe).and_then(|mut file| {
        file.write_all(b"written by sonolamp doctor, and removed again")?;
        file.sync_all()
    });
    let removed = std::fs::remove_file(&probe);
    written.and(removed)
}

/// What eMMC and ext4 tell without a tool; SD cards and sticks tell nothing.
fn health(root: &Path) -> Vec<Finding> {
    let names = |folder: &str| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let mut findings = Vec::new();
    for disk in names("sys/block") {
        let name = disk.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let number = |text: &str| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok();
        let life = text(&disk, "device/life_time");
        let worn = life.iter().flat_map(|life| life.split_whitespace()).filter_map(number).max();
        let ending = text(&disk, "device/pre_eol_info").as_deref().and_then(number) == Some(3);
        let Some(tenths) = worn.filter(|tenths| *tenths > 0) else { continue };
        let what = format!("{name} has used up to {} % of its life", 10 * tenths.min(10));
        let remedy = "copy it and replace it before it fails";
        findings.push(if ending {
            Finding::trouble("storage health", ErrorKind::Storage, what, remedy)
        } else if tenths >= WORN {
            Finding::notice("storage health", what, remedy)
        } else {
            Finding::well("storage health", what)
        });
    }
    for system in names("sys/fs/ext4") {
        let Some(errors) = text(&system, "errors_count").and_then(|text| text.parse::<u64>().ok())
        else {
            continue;
        };
        let name = system.file_name().unwrap_or_default().to_string_lossy().into_owned();
        findings.push(if errors > 0 {
            let what = format!("the file system on {name} has met {errors} errors");
            let remedy =
                "let fsck look at it at the next start, and replace the card if they come back";
            Finding::notice("storage health", what, remedy)
        } else {
            Finding::well("storage health", format!("no errors in the file system on {name}"))
        });
    }
    findings
}

/// Whether the exam store opens; its files are read by `exam check`.
pub fn store(config: &Config) -> Finding {
    let Some(settings) = &config.store else {
        return Finding::well("exam store", "none is configured: no exam is kept");
    };
    if let Err(error) = exam::recipients(&settings.keys) {
        return Finding::error("exam store", &error);
    }
    // Opened as root it would have files that the service's user cannot write.
    let user = rustix::process::geteuid();
    match std::fs::metadata(&settings.folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && user.is_root() => {
            let what = format!("{} is not there yet: a run makes it", settings.folder.display());
            return Finding::well("exam store", what);
        }
        Ok(folder) if folder.uid() != user.as_raw() => {
            let remedy = "`sudo -u sonolamp sonolamp doctor` opens the service's";
            return Finding::notice("exam store", "not opened: it is another user's", remedy);
        }
        _ => {}
    }
    match exam::open_store(&settings.folder, &settings.keys, settings.reserve) {
        Ok((store, mended)) => {
            let count = store.count().map_or_else(|e| e.to_string(), |n| format!("{n} exams"));
            let mended: Vec<String> =
                mended.iter().map(|words| format!("; mended: {words}")).collect();
            Finding::well("exam store", format!("opens, {count}{}", mended.concat()))
        }
        Err(error) if error.problem.contains("in use by another sonolamp") => {
            Finding::well("exam store", "in use by the running instance")
        }
        Err(error) => Finding::error("exam store", &error),
    }
}

pub fn heat(facts: &Device) -> Finding {
    match facts.temperature {
        None => Finding::well("heat", "not known here"),
        Some(degrees) if degrees >= HOT => {
            let what = format!("{degrees:.0} °C: the board slows itself down");
            Finding::notice("heat", what, "give it air or a heat sink, and take it out of the sun")
        }
        Some(degrees) => Finding::well("heat", format!("{degrees:.0} °C")),
    }
}

pub fn power(facts: &Device) -> Finding {
    let remedy = "use the board's own supply and a short thick cable";
    match facts.power {
        None => Finding::well("power", "under-voltage is not told here"),
        Some(Power { under_voltage: true, .. }) => {
            let what = "the supply's voltage is too low now".to_owned();
            Finding::trouble("power", ErrorKind::Device, what, remedy)
        }
        Some(Power { throttled: true, .. }) => {
            Finding::notice("power", "the board is slowed down, by heat or voltage", remedy)
        }
        Some(Power { earlier: true, .. }) => {
            let what = "the voltage was too low, or the board too hot, since it was switched on";
            Finding::notice("power", what, remedy)
        }
        Some(_) => Finding::well("power", "the voltage is right"),
    }
}

pub fn clock(root: &Path, facts: &Device) -> Finding {
    let kept = root.join("sys/class/rtc/rtc0").exists();
    let keeper = if kept { "a clock of its own keeps it" } else { "no clock of its own (RTC)" };
    match facts.clock {
        Clock::NotSet => Finding::notice(
            "clock",
            format!("not set; {keeper}"),
            "set it (`timedatectl set-time`), or exams are kept without a date; a DS3231 keeps it",
        ),
        Clock::Set(_) if kept => Finding::well("clock", format!("set; {keeper}")),
        Clock::Set(_) => Finding::notice(
            "clock",
            format!("set; {keeper}"),
            "it is lost at the next power cut; a DS3231 would keep it (deploy/wiring.md)",
        ),
        Clock::Synchronized(_) => {
            Finding::well("clock", format!("kept by a time server; {keeper}"))
        }
    }
}

pub fn memory(facts: &Device) -> Finding {
    let Some((free, all)) = facts.memory else {
        return Finding::well("memory", "not known here");
    };
    let what = format!("{} of {} MB free", free >> 20, all >> 20);
    let remedy = "end other programs; a Pi with 1 GB is enough for the service alone";
    if free < LEAST_MEMORY {
        Finding::trouble("memory", ErrorKind::Device, what, remedy)
    } else if free < LITTLE_MEMORY {
        Finding::notice("memory", what, remedy)
    } else {
        Finding::well("memory", what)
    }
}

/// Digests, known answers and signature of the bundle that a run takes, and the bundle itself.
pub fn bundle(config: &Config) -> (Vec<Finding>, Option<Model>) {
    let place = Placement { threads: config.threads, ..Placement::default() };
    let chosen = config.bundle_in_use();
    let model = match Model::load_for(chosen.as_deref(), place) {
        Ok(model) => model,
        Err(error) => {
            let mut finding = Finding::error("bundle", &error);
            if config.bundle_must_be_signed() {
                finding.remedy = Some(WAY_OUT.to_owned());
            }
            return (vec![finding], None);
        }
    };
    let known = model.bundle.manifest.known_answers.len();
    let what = format!(
        "{} ({}), whole; {known} known answers agree to {:.4}",
        model.bundle.title(),
        model.bundle.short_digest(),
        model.known_error
    );
    let mut findings = vec![Finding::well("bundle", what)];
    if config.bundle_must_be_signed() {
        findings.push(signature(config, &model.bundle));
    }
    (findings, Some(model))
}

fn signature(config: &Config, bundle: &Bundle) -> Finding {
    let part = "signature";
    let signer = Trusted::load(&config.trusted_keys)
        .and_then(|trusted| bundle.signer(&trusted).map(str::to_owned));
    match signer {
        Ok(signer) => Finding::well(part, format!("of {signer}")),
        Err(error) => Finding::error(part, &Error { remedy: WAY_OUT.to_owned(), ..error }),
    }
}

/// A few seconds of phantom through all stages, as a camera's frames would go.
pub fn pipeline(model: &Model) -> Finding {
    let judged = || -> Result<Finding, Error> {
        let mut source = Phantom::new(&"lung-normal?seed=1&size=320x240&fps=10".parse()?);
        let mut stages = model.stages(Mode::Clip)?;
        let limit = std::time::Duration::from_secs(2);
        let result = clip::screen(&mut source, &mut stages, limit)?;
        let (frames, score) = (result.evidence.frames, result.evidence.probability);
        let per_frame = result.elapsed.as_secs_f64() * 1000.0 / frames.max(1) as f64;
        let what = format!(
            "{frames} phantom frames judged, {per_frame:.0} ms each; {} ({score:.2})",
            result.verdict.word()
        );
        if frames < 20 || !score.is_finite() || result.evidence.usable.is_zero() {
            let remedy = "install the program again; if it stays, replace the board";
            return Ok(Finding::trouble("pipeline", ErrorKind::Model, what, remedy));
        }
        Ok(Finding::well("pipeline", what))
    };
    judged().unwrap_or_else(|error| Finding::error("pipeline", &error))
}

/// What is running: program, kernel, system, and the image's slot where it runs from one.
pub fn versions(root: &Path, facts: &Device) -> Vec<(&'static str, String)> {
    let release = text(root, "etc/os-release").unwrap_or_default();
    let of = |key: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim_matches('"').to_owned())
    };
    let words = text(root, "proc/cmdline").unwrap_or_default();
    let slot = words.split_whitespace().find_map(|word| word.strip_prefix("sonolamp.slot="));
    [
        ("program", Some(env!("CARGO_PKG_VERSION").to_owned())),
        ("board", facts.board.clone()),
        ("kernel", facts.release.clone()),
        ("system", of("PRETTY_NAME")),
        ("image", of("IMAGE_VERSION")),
        ("slot", slot.map(str::to_owned)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

/// Everything of this machine that is read.
pub fn facts(root: &Path, folder: &Path) -> Device {
    device::read(root, folder)
}

#[cfg(test)]
mod tests;

//! The box itself: heat, power, storage, memory, clock. Read from Linux's own files, a few times a
//! minute, by a thread of its own; what this machine does not tell is `None` and never an error.

use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::pipeline::shutdown::Shutdown;
use crate::snapshot::{Clock, Device, Disk, Power, Update};

/// How often the facts are read.
const EVERY: Duration = Duration::from_secs(2);
/// A clock before this, in seconds since 1970, was never set: 2026-01-01.
const PLAUSIBLE: u64 = 1_767_225_600;

/// Where `sonolamp-update` of a card says what becomes of a stick.
const UPDATE: &str = "run/sonolamp-update/status";
/// For so long it is news.
const NEWS: Duration = Duration::from_secs(300);
/// More than it ever says, in bytes.
const LONGEST: u64 = 500;

/// Reads everything below `root` ("/" but for tests); storage is that of `folder`.
pub fn read(root: &Path, folder: &Path) -> Device {
    let text = |path: &str| {
        let text = std::fs::read_to_string(root.join(path)).ok()?;
        let text = text.trim_end_matches(['\0', '\n']).trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    Device {
        board: text("proc/device-tree/model").or_else(|| text("sys/class/dmi/id/product_name")),
        release: text("proc/sys/kernel/osrelease"),
        temperature: temperature(root),
        power: text("sys/devices/platform/soc/soc:firmware/get_throttled").and_then(power),
        disk: disk(folder),
        memory: text("proc/meminfo").and_then(|text| memory(&text)),
        clock: clock(root, SystemTime::now()),
        update: update(&root.join(UPDATE)),
    }
}

fn temperature(root: &Path) -> Option<f32> {
    let zones = std::fs::read_dir(root.join("sys/class/thermal")).ok()?;
    let degrees = zones.filter_map(|zone| {
        let text = std::fs::read_to_string(zone.ok()?.path().join("temp")).ok()?;
        let thousandths: i32 = text.trim().parse().ok()?;
        Some(thousandths as f32 / 1000.0)
    });
    degrees.filter(|t| (-40.0..150.0).contains(t)).max_by(f32::total_cmp)
}

/// The bits of `vcgencmd get_throttled`, as Raspberry Pi documents them.
fn power(text: String) -> Option<Power> {
    let bits = u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()?;
    Some(Power {
        under_voltage: bits & 1 != 0,
        throttled: bits & 0b1110 != 0,
        earlier: bits & 0xf_0000 != 0,
    })
}

fn disk(folder: &Path) -> Option<Disk> {
    let found = folder.ancestors().find_map(|folder| rustix::fs::statvfs(folder).ok())?;
    Some(Disk {
        free: found.f_bavail.saturating_mul(found.f_frsize),
        size: found.f_blocks.saturating_mul(found.f_frsize),
        read_only: found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
    })
}

fn memory(text: &str) -> Option<(u64, u64)> {
    let bytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u64 =
            line.trim_start_matches(':').split_whitespace().next()?.parse().ok()?;
        kibibytes.checked_mul(1024)
    };
    Some((bytes("MemAvailable")?, bytes("MemTotal")?))
}

fn update(status: &Path) -> Option<Update> {
    let file = std::fs::File::open(status).ok()?;
    let said = file.metadata().and_then(|about| about.modified()).ok()?;
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let words: String = text.lines().next()?.chars().filter(|c| !c.is_control()).collect();
    // A clock that was set meanwhile makes it old.
    let news = said.elapsed().is_ok_and(|age| age < NEWS);
    (!words.trim().is_empty()).then_some(Update { words, news })
}

/// What the box is called on its network.
pub fn name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Whether a clock that says this, in seconds since 1970, has been set at all.
pub fn plausible(seconds: u64) -> bool {
    seconds >= PLAUSIBLE
}

fn clock(root: &Path, now: SystemTime) -> Clock {
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    if !plausible(seconds) {
        Clock::NotSet
    } else if root.join("run/systemd/timesync/synchronized").exists() {
        Clock::Synchronized(seconds)
    } else {
        Clock::Set(seconds)
    }
}

/// The latest facts, for whoever wants them.
#[derive(Default)]
pub struct Watch {
    facts: Mutex<Arc<Device>>,
}

impl Watch {
    /// With the facts as they are now: an exam may begin with the program.
    pub fn begin(folder: &Path) -> Watch {
        Watch { facts: Mutex::new(Arc::new(read(Path::new("/"), folder))) }
    }

    pub fn latest(&self) -> Arc<Device> {
        Arc::clone(&self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads again and again until shutdown.
    pub fn run(&self, folder: &Path, shutdown: &Shutdown) {
        loop {
            let facts = Arc::new(read(Path::new("/"), folder));
            *self.facts.lock().unwrap_or_else(PoisonError::into_inner) = facts;
            if shutdown.wait(EVERY) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn a_pi_tells_its_heat_power_and_memory() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, "proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0");
        write(root, "proc/sys/kernel/osrelease", "6.1.0-rpi7\n");
        write(root, "proc/meminfo", "MemTotal:  100 kB\nMemFree: 10 kB\nMemAvailable:   40 kB\n");
        write(root, "sys/class/thermal/thermal_zone0/temp", "48312\n");
        write(root, "sys/class/thermal/thermal_zone1/temp", "51000\n");
        write(root, "sys/class/thermal/cooling_device0/type", "fan\n");
        write(root, "sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n");
        let facts = read(root, root);
        assert_eq!(facts.board.as_deref(), Some("Raspberry Pi 4 Model B Rev 1.4"));
        assert_eq!(facts.release.as_deref(), Some("6.1.0-rpi7"));
        assert_eq!(facts.temperature, Some(51.0));
        let power = Power { under_voltage: true, throttled: true, earlier: true };
        assert_eq!(facts.power, Some(power));
        assert_eq!(facts.memory, Some((40 * 1024, 100 * 1024)));
        let disk = facts.disk.unwrap();
        assert!(disk.free <= disk.size && disk.size > 0 && !disk.read_only);
    }

    #[test]
    fn what_is_missing_or_nonsense_is_unknown() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert_eq!(
            Device { disk: None, clock: Clock::NotSet, ..read(root, root) },
            Device::default()
        );
        write(root, "proc/device-tree/model", "\0");
        write(root, "proc/meminfo", "MemTotal: many kB\n");
        write(root, "sys/class/thermal/thermal_zone0/temp", "-274000\n");
        write(root, "sys/devices/platform/soc/soc:firmware/get_throttled", "throttled\n");
        assert_eq!(
            Device { disk: None, clock: Clock::NotSet, ..read(root, root) },
            Device::default()
        );
        let missing = read(root, &root.join("not/there/yet"));
        assert!(missing.disk.is_some(), "the nearest folder that exists counts");
    }

    #[test]
    fn what_became_of_an_update_is_read_and_is_news_for_a_while() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for nothing in ["", "\n", " \x1b\n"] {
            write(root, UPDATE, nothing);
            assert_eq!(read(root, root).update, None, "{nothing:?}");
        }
        write(root, UPDATE, "Version 2 is\x1b[31m installed.\nmore\n");
        let words = "Version 2 is[31m installed.".to_owned();
        assert_eq!(read(root, root).update, Some(Update { words: words.clone(), news: true }));
        let file = std::fs::File::open(root.join(UPDATE)).unwrap();
        file.set_modified(SystemTime::now() - NEWS).unwrap();
        assert_eq!(read(root, root).update, Some(Update { words, news: false }));
        write(root, UPDATE, &"x".repeat(10_000));
        assert_eq!(read(root, root).update.unwrap().words.len() as u64, LONGEST);
    }

    #[test]
    fn the_clock_is_known_from_the_start() {
        let watch = Watch::begin(Path::new("/"));
        assert_ne!(watch.latest().clock, Clock::NotSet);
    }

    #[test]
    fn a_clock_is_believed_only_after_it_was_set() {
        let root = tempfile::tempdir().unwrap();
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(clock(root.path(), at(5)), Clock::NotSet);
        assert_eq!(clock(root.path(), at(PLAUSIBLE)), Clock::Set(PLAUSIBLE));
        write(root.path(), "run/systemd/timesync/synchronized", "");
        assert_eq!(clock(root.path(), at(PLAUSIBLE + 9)), Clock::Synchronized(PLAUSIBLE + 9));
        assert_eq!(clock(root.path(), at(5)).time(), None);
    }
}

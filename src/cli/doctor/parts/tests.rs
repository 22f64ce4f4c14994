//! The looks at machines that are folders.

use super::*;
use crate::cli::doctor::finding::State;
use crate::snapshot::Disk;
use crate::store::SecretKey;

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn config(text: &str) -> Config {
    Config::parse(text, "box.toml").unwrap()
}

#[test]
fn a_worn_medium_and_errors_of_the_file_system_are_told_before_it_fails() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    assert!(health(root).is_empty(), "an SD card tells nothing");
    write(root, "sys/block/mmcblk0/device/life_time", "0x01 0x02\n");
    write(root, "sys/block/mmcblk0/device/pre_eol_info", "0x01\n");
    write(root, "sys/block/mmcblk1/device/life_time", "0x09 0x0a\n");
    write(root, "sys/block/mmcblk2/device/life_time", "0x0b 0x01\n");
    write(root, "sys/block/mmcblk2/device/pre_eol_info", "0x03\n");
    write(root, "sys/block/sda/size", "1000\n");
    write(root, "sys/fs/ext4/mmcblk0p4/errors_count", "3\n");
    write(root, "sys/fs/ext4/sda1/errors_count", "0\n");
    write(root, "sys/fs/ext4/features/lazy", "supported\n");
    let found = health(root);
    let states: Vec<State> = found.iter().map(|finding| finding.state).collect();
    let expected = [State::Well, State::Notice, State::Trouble, State::Notice, State::Well];
    assert_eq!(states, expected, "{found:?}");
    assert!(found[1].what.contains("mmcblk1 has used up to 100 %"), "{found:?}");
    assert!(found[3].what.contains("3 errors"));
    assert_eq!(found[2].kind.exit_code(), 5);
}

#[test]
fn a_full_or_read_only_disk_is_trouble_with_exit_code_5() {
    let root = tempfile::tempdir().unwrap();
    let of = |free: u64, read_only| {
        let disk = Some(Disk { free, size: 8 << 30, read_only });
        let facts = Device { disk, ..Device::default() };
        let store = config("[store]\nfolder = \"/var/lib/exams\"\nreserve_mb = 500\n");
        storage(root.path(), &store, Path::new("/not/there"), &facts).remove(0)
    };
    assert_eq!(of(4 << 30, false).state, State::Well);
    assert_eq!(of(600 << 20, false).state, State::Notice);
    for finding in [of(400 << 20, false), of(4 << 30, true)] {
        assert_eq!((finding.state, finding.kind.exit_code()), (State::Trouble, 5));
        assert!(finding.remedy.is_some());
    }
    // A folder that nobody can write to.
    let finding = storage(root.path(), &config(""), Path::new("/proc"), &Device::default());
    assert!(finding[0].what.starts_with("/proc cannot be written"), "{finding:?}");
    let finding = storage(root.path(), &config(""), root.path(), &Device::default());
    assert!(finding.is_empty() && std::fs::read_dir(root.path()).unwrap().next().is_none());
}

#[test]
fn heat_power_clock_and_memory_have_a_remedy_when_they_need_one() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let power =
        |under_voltage, throttled, earlier| Some(Power { under_voltage, throttled, earlier });
    let with = |change: &dyn Fn(&mut Device)| {
        let mut facts = Device::default();
        change(&mut facts);
        facts
    };
    for (finding, state) in [
        (heat(&Device::default()), State::Well),
        (heat(&with(&|d| d.temperature = Some(55.0))), State::Well),
        (heat(&with(&|d| d.temperature = Some(84.0))), State::Notice),
        (super::power(&Device::default()), State::Well),
        (super::power(&with(&|d| d.power = power(false, false, false))), State::Well),
        (super::power(&with(&|d| d.power = power(false, false, true))), State::Notice),
        (super::power(&with(&|d| d.power = power(false, true, true))), State::Notice),
        (super::power(&with(&|d| d.power = power(true, true, true))), State::Trouble),
        (clock(root, &Device::default()), State::Notice),
        (clock(root, &with(&|d| d.clock = Clock::Set(2_000_000_000))), State::Notice),
        (clock(root, &with(&|d| d.clock = Clock::Synchronized(2_000_000_000))), State::Well),
        (memory(&Device::default()), State::Well),
        (memory(&with(&|d| d.memory = Some((500 << 20, 1 << 30)))), State::Well),
        (memory(&with(&|d| d.memory = Some((64 << 20, 1 << 30)))), State::Notice),
        (memory(&with(&|d| d.memory = Some((8 << 20, 1 << 30)))), State::Trouble),
    ] {
        assert_eq!(finding.state, state, "{finding:?}");
        assert_eq!(finding.remedy.is_some(), state != State::Well, "{finding:?}");
    }
    write(root, "sys/class/rtc/rtc0/name", "ds3231\n");
    let kept = clock(root, &with(&|d| d.clock = Clock::Set(2_000_000_000)));
    assert_eq!(kept.state, State::Well);
}

#[test]
fn a_panel_needs_its_bus() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let config = config("[panel]\ndriver = \"ssd1306\"\ni2c = \"/dev/i2c-7\"\n");
    let absent = panel(root, config.panel.as_ref());
    assert_eq!((absent.state, absent.kind.exit_code()), (State::Trouble, 3));
    write(root, "dev/i2c-7", "");
    assert_eq!(panel(root, config.panel.as_ref()).state, State::Well);
    assert_eq!(panel(root, None).state, State::Well);
}

#[test]
fn versions_name_system_image_and_slot() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    assert_eq!(versions(root, &Device::default()).len(), 1);
    write(root, "etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12\"\nIMAGE_VERSION=0.2.0\n");
    write(root, "proc/cmdline", "root=/dev/dm-0 sonolamp.slot=B quiet\n");
    let found = versions(root, &Device::default());
    let of = |key| found.iter().find(|(name, _)| *name == key).map(|(_, value)| &value[..]);
    assert_eq!(of("system"), Some("Debian GNU/Linux 12"));
    assert_eq!((of("image"), of("slot"), of("kernel")), (Some("0.2.0"), Some("B"), None));
}

#[test]
fn the_built_in_bundle_goes_through_the_whole_pipeline() {
    let (findings, model) = bundle(&config(""));
    assert!(findings.iter().all(|finding| finding.state == State::Well), "{findings:?}");
    let judged = pipeline(&model.unwrap());
    assert_eq!(judged.state, State::Well, "{judged:?}");
}

#[test]
fn a_store_that_cannot_be_is_told_with_its_kind() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("clinic.pub");
    let text = format!("[store]\nfolder = \"/proc/none\"\nkeys = \"{}\"\n", keys.display());
    let absent = store(&config(&text));
    assert_eq!((absent.state, absent.kind.exit_code()), (State::Trouble, 2), "{absent:?}");
    // With a key, it is the store itself that must be one.
    let store_file = folder.path().join("file");
    std::fs::write(&keys, SecretKey::generate().public()).unwrap();
    std::fs::write(&store_file, "").unwrap();
    let text = text.replace("/proc/none", &store_file.display().to_string());
    let file = store(&config(&text));
    assert_eq!((file.state, file.kind.exit_code()), (State::Trouble, 5), "{file:?}");
}

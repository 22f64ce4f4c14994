//! Any text as configuration, protocol, key file or locked key: refused with words, or taken.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sonolamp::config::Config;
use sonolamp::store::{LockedKey, Recipients, SecretKey};

fuzz_target!(|text: &str| {
    if let Ok(config) = Config::parse(text, "fuzz") {
        assert_eq!(config.digest(), Config::parse(text, "fuzz").map(|c| c.digest()).unwrap_or_default());
    }
    let _ = SecretKey::parse(text, "fuzz");
    let _ = Recipients::parse(text, "fuzz");
    let _ = LockedKey::parse(text, "fuzz");
});

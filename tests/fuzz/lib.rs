//! What the fuzz targets share: files in memory, and panics of foreign code that are caught.

use std::path::PathBuf;
use std::sync::Once;

use tempfile::TempDir;

/// A folder in memory, where there is one.
pub fn folder() -> TempDir {
    let memory = PathBuf::from("/dev/shm");
    let at = if memory.is_dir() { memory } else { std::env::temp_dir() };
    tempfile::tempdir_in(at).expect("a folder for one input")
}

/// Lets the fuzzer hear only of panics that the program does not catch where it calls foreign code.
pub fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(sonolamp::error::hide_contained_panics);
}

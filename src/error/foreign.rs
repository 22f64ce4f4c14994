//! Panics of foreign code, caught where it is called.
//!
//! A few crates panic on what a device or a file says. Such calls are wrapped in [`contained`];
//! the hook keeps their message off the terminal. It works only while panics unwind, and not for
//! a panic during another one: what may do that must not be dropped at all.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; a panic inside becomes `Err` with its message. What `work` had in its hands when it
/// panicked must not be used again.
pub fn contained<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let outer = CONTAINED.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    CONTAINED.set(outer);
    outcome.map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        text.unwrap_or("it does not say why").to_owned()
    })
}

/// Lets no hook that is installed so far hear of contained panics; every other panic reaches it.
pub fn hide_contained_panics() {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !CONTAINED.get() {
            hook(info);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_words_and_the_next_one_is_heard_again() {
        assert_eq!(contained(|| 7), Ok(7));
        let number = 19;
        assert_eq!(contained(|| panic!("ioctl {number}")), Err::<(), _>("ioctl 19".to_owned()));
        assert_eq!(contained(|| panic!("short")), Err::<(), _>("short".to_owned()));
        assert!(!CONTAINED.get());
    }
}

//! What a processor can multiply at most, against which layers are measured.

use super::Isa;
#[cfg(target_arch = "aarch64")]
use super::neon;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Multiply-accumulates a second that this processor can do in registers alone, in 10^9: the best of
/// several short runs. None where there is no loop for `isa`.
pub fn peak(isa: Isa) -> Option<f64> {
    const ROUNDS: usize = 20_000;
    let rate = || {
        let start = std::time::Instant::now();
        let macs = match isa {
            // SAFETY: `Isa::available` found the features; so for the others.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni => unsafe { avx512::multiply_only(ROUNDS) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::AvxVnni => unsafe { avx2::multiply_only_vnni(ROUNDS) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2::multiply_only(ROUNDS) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => unsafe { neon::multiply_only(ROUNDS) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Isa::NeonDot => unsafe { neon::multiply_only_dot(ROUNDS) },
            _ => return None,
        };
        Some(macs as f64 / start.elapsed().as_secs_f64() / 1e9)
    };
    (0..40).map(|_| rate()).try_fold(0.0, |best: f64, rate| Some(best.max(rate?)))
}

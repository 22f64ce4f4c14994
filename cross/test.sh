#!/bin/sh
# Runs tests of the aarch64 program on an x86-64 machine under qemu-user: what is computed, on a
# processor without and on one with the int8 dot product. The device side is `tests/hil/run.sh`'s.
#
#   cross/test.sh [CARGO TEST ARGUMENTS]     by default the unit tests, `preprocess`, `portable`, `int8`
set -eu
cd "$(dirname "$0")/.."
. cross/toolchain.sh

needs=""
needed /usr/bin/qemu-aarch64-static qemu-user-static
# The C library where the programs look for it: qemu-user hangs when it is given a path (-L).
if [ ! -e /lib/ld-linux-aarch64.so.1 ]; then
  dpkg --print-foreign-architectures | grep -qx arm64 || as_root dpkg --add-architecture arm64
  needs="$needs libc6:arm64 libgcc-s1:arm64"
fi
# shellcheck disable=SC2086 # a list of package names
[ -z "$needs" ] || install $needs

# What draws, keeps or hands over computes nothing that a processor could do otherwise: left to the host, for
# emulated it takes minutes. Tests that start other programs now and then hang for ever: the emulator forks while
# another of its threads holds a lock.
[ $# -gt 0 ] || set -- --lib --test preprocess --test portable --test int8 -- \
  --skip dashboard:: --skip agreement:: --skip archive:: --skip handover:: --skip pacs:: \
  --skip store::tests --skip ffmpeg --skip gstreamer --skip jpeg_2000
for cpu in cortex-a57 cortex-a76; do
  echo "cross/test.sh: on $cpu"
  # `release` has its dependencies in common with the virtual board's program.
  CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="timeout 1800 qemu-aarch64-static -cpu $cpu" \
    cross_cargo test --release "$@"
done

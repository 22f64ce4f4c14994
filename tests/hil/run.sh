#!/bin/bash
# The virtual board: boots Debian's arm64 kernel in qemu with a simulated camera (vivid) and GPIO
# chip (gpio-sim), runs the cross-built program on them, and says PASS or FAIL of each step.
#
#   tests/hil/run.sh [PROGRAM]     by default one is built with `cross/build.sh release`: the emulated
#                                  processor is too slow for a verdict without optimization
#
# Needs Debian 12 or newer on x86-64 or arm64; installs qemu and what else is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ $# -gt 0 ]; then
  program=$1
else
  cross/build.sh release >&2
  program="${CARGO_TARGET_DIR:-target}/cross/aarch64-unknown-linux-gnu/release/sonolamp"
fi
board=$(tests/hil/board.sh)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root="$work/root"
mkdir -p "$root"/{bin,sbin,proc,sys,dev,tmp,etc}
cp -r "$board/modules/." "$root/"
cp -r "$board/root/." "$root/"
cp "$board/busybox" "$root/bin/"
ln -s busybox "$root/bin/sh"
cp tests/hil/guest.sh "$root/init"
cp tests/hil/steps.sh "$root/"
aarch64-linux-gnu-objcopy --strip-all "$program" "$root/bin/sonolamp"
chmod +x "$root/init" "$root/bin/sonolamp"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initrd"

log="$work/log"
timeout 600 qemu-system-aarch64 -M virt -cpu cortex-a57 -smp 2 -m 1024 -nographic -nic none -no-reboot \
  -kernel "$board/vmlinuz" -initrd "$work/initrd" -append "console=ttyAMA0 quiet panic=-1" \
  </dev/null | stdbuf -oL tr -d '\r' | tee "$log" | grep -aE --line-buffered '^(PASS|FAIL|BOARD|     )' || true
if ! grep -aq '^BOARD .* done, failed=0' "$log"; then
  echo "virtual board: a step failed, or the board did not come to its end; the log's end:" >&2
  grep -avE '^(PASS|FAIL|BOARD|     )' "$log" | tail -n 30 >&2
  exit 1
fi

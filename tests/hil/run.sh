#!/bin/bash
# The virtual board: boots Debian's arm64 kernel in qemu, runs the cross-built program in it, and
# says PASS or FAIL of each step.
#
#   tests/hil/run.sh [STEPS [PROGRAM]]
#
# STEPS   clinic  lamps, buttons and a camera on simulated hardware, two minutes (default)
#         soak    100 reconnects and 10,000 button edges, some ten minutes
#         pi      a Raspberry Pi 3's own lamp lines, half a minute
# PROGRAM an aarch64 program; by default one is built with `cross/build.sh release`: without
#         optimization the emulated processor is too slow for a verdict
#
# Needs Debian 12 on x86-64; installs qemu and what else is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

steps=${1:-clinic}
case $steps in
  clinic | soak) machine=(-M virt -cpu cortex-a76 -smp 2 -m 1024 -serial stdio) console=ttyAMA0 ;;
  # A Pi's first serial port is its Bluetooth's.
  pi) machine=(-M raspi3b -serial null -serial stdio) console=ttyS1 ;;
  *) echo "tests/hil/run.sh: no steps \`$steps\`; choose clinic, soak or pi" >&2; exit 2 ;;
esac
if [ $# -gt 1 ]; then
  program=$2
else
  cross/build.sh release >&2
  program="${CARGO_TARGET_DIR:-target}/cross/aarch64-unknown-linux-gnu/release/sonolamp"
fi
board=$(tests/hil/board.sh)

work=$(mktemp -d)
emulator=""
trap 'rm -rf "$work"; [ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true' EXIT
root="$work/root"
mkdir -p "$root"/{bin,sbin,proc,sys,dev,tmp,etc}
cp -r "$board/modules/." "$root/"
cp -r "$board/root/." "$root/"
cp "$board/busybox" "$root/bin/"
ln -s busybox "$root/bin/sh"
cp tests/hil/guest.sh "$root/init"
cp "tests/hil/$steps.sh" "$root/steps.sh"
aarch64-linux-gnu-objcopy --strip-all "$program" "$root/bin/sonolamp"
chmod +x "$root/init" "$root/bin/sonolamp"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initrd"

# rppal maps the GPIO controller's registers, which the kernel allows with iomem=relaxed.
[ "$steps" != pi ] || machine+=(-dtb "$board/pi3.dtb")
log="$work/log"
timeout 1500 qemu-system-aarch64 "${machine[@]}" -display none -monitor none -nic none -no-reboot \
  -kernel "$board/vmlinuz" -initrd "$work/initrd" \
  -append "console=$console loglevel=1 panic=-1 iomem=relaxed" </dev/null >"$log" 2>&1 &
emulator=$!
# A Pi does not leave the emulator when it powers off: its last line ends it.
tail -n +1 -f --pid="$emulator" "$log" | while IFS= read -r line; do
  line=${line%$'\r'}
  case $line in
    PASS* | FAIL* | "     "*) echo "$line" ;;
    BOARD*) echo "$line"; kill "$emulator" ;;
  esac
done
wait "$emulator" || true
if ! grep -aq '^BOARD .* done, failed=0' "$log"; then
  echo "virtual board: a step failed, or the board did not come to its end; the log's end:" >&2
  grep -avE '^(PASS|FAIL|BOARD|     )' "$log" | tail -n 30 >&2
  exit 1
fi

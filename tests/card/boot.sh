#!/bin/bash
# Boots the card's image on the virtual board: U-Boot, kernel, initrd and root come from the
# image, which is written to a larger card as it is; camera and lamp lines come from a
# second disk. Says PASS or FAIL of each step, and shows the screen.
#
#   tests/card/boot.sh IMAGE [OUT_FOLDER [first]]
#
# first ends after the first of four starts. OUT_FOLDER (else a temporary one) gets the serial line's log and pictures of the screen.
# The Raspberry Pi's own firmware, its device trees and its chips are not tried here.
# Needs qemu-system-arm, u-boot-qemu, e2fsprogs and what tests/hil/board.sh installs.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"
cd "$(dirname "$0")/../.."
fail() { echo "tests/card/boot.sh: $*" >&2; exit 2; }
[ $# -ge 1 ] || fail "usage: tests/card/boot.sh IMAGE [OUT_FOLDER [first]]"
image=$(realpath "$1")
[ -f "$image" ] || fail "no image $1: make one with deploy/card/build.sh"
for pair in qemu-system-aarch64:qemu-system-arm mke2fs:e2fsprogs python3:python3; do
  command -v "${pair%%:*}" >/dev/null || fail "missing: apt-get install ${pair#*:}"
done
uboot=/usr/lib/u-boot/qemu_arm64/u-boot.bin
[ -f "$uboot" ] || fail "missing: apt-get install u-boot-qemu"
board=$(tests/hil/board.sh)

work=$(mktemp -d)
out=${2:-$work/out}
mkdir -p "$out"
emulator=""
trap '[ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true; rm -rf "$work"' EXIT
failed=0
pass() { echo "PASS      $1"; }
fails() { echo "FAIL      $1"; failed=1; }

# test_disk FILE [FOLDER...]: the second disk; what lies in the folders goes with it.
test_disk() {
  local file=$1 folder=$work/test
  shift
  rm -rf "$folder"
  mkdir "$folder"
  cp tests/card/guest.sh tests/card/hardware.sh tests/card/sonolamp.toml tests/card/*.service "$folder/"
  cp tests/card/hook.sh "$folder/hook"
  cp -R "$board/modules" "$folder/modules"
  for more in "$@"; do cp -R "$more/." "$folder/"; done
  chmod 755 "$folder"/*.sh "$folder/hook"
  mke2fs -q -t ext4 -L SONOTEST -d "$folder" "$file" 64M
}
# start NAME [ARGUMENT...]: the board, with the card $work/card.img.
start() {
  local name=$1
  shift
  log=$out/$name.log
  rm -f "$work/monitor" "$log"
  # Without ACPI the power button is a key that the kernel finds.
  timeout 900 qemu-system-aarch64 -M virt,acpi=off -cpu cortex-a72 -smp 2 -m 1024 -bios "$uboot" -nic none -display none \
    -drive "if=none,id=card,format=raw,file=$work/card.img" -device virtio-blk-pci,drive=card \
    -drive "if=none,id=test,format=raw,readonly=on,file=$work/test.img" -device virtio-blk-pci,drive=test \
    -device virtio-gpu-pci,xres=1280,yres=720 -device virtio-keyboard-pci -device virtio-rng-pci \
    -serial "file:$log" -monitor "unix:$work/monitor,server=on,wait=off" "$@" </dev/null &
  emulator=$!
}
monitor() { python3 tests/card/monitor.py "$work/monitor" "$@"; }
# wait_for TEXT SECONDS: whether the serial line says it.
wait_for() {
  local left=$(($2 * 2))
  until grep -aq "$1" "$log" 2>/dev/null; do
    left=$((left - 1))
    [ $left -gt 0 ] && kill -0 "$emulator" 2>/dev/null || return 1
    sleep 0.5
  done
}
stop() {
  kill "$emulator" 2>/dev/null || true
  wait "$emulator" 2>/dev/null || true
  emulator=""
}
# look NAME KEY: presses the key, and takes a picture of the screen.
look() {
  monitor "sendkey $2" >/dev/null || true
  sleep 8
  monitor "screendump $out/$1.png -f png" "screendump $work/$1.ppm" >/dev/null || true
}
differ() { # NAME NAME: how many bytes of the pictures do; a missing one is all another
  python3 - "$work/$1.ppm" "$work/$2.ppm" <<'END'
import sys
from pathlib import Path

a, b = (Path(name).read_bytes() if Path(name).exists() else b"" for name in sys.argv[1:])
print(sum(x != y for x, y in zip(a, b)) if a and len(a) == len(b) else 10**9)
END
}
nearer() { # WHAT NAME SAME OTHER: the pictures NAME and SAME are of one view, OTHER is of another
  local same other
  same=$(differ "$2" "$3") other=$(differ "$2" "$4")
  if [ $((same * 2)) -lt "$other" ] && [ "$other" -lt 1000000000 ]; then
    pass "$1"
  else
    fails "$1 ($same and $other bytes of the pictures differ)"
  fi
}
new_card() { # the image, written to a card of 2 GiB
  cp --sparse=always "$image" "$work/card.img"
  truncate -s 2G "$work/card.img"
}

# boots NAME TITLE [ARGUMENT...]: one start until the guest's last line, a picture, and switched off.
boots() {
  local name=$1
  echo "     $2"
  shift 2
  start "$name" "$@"
  wait_for '^BOARD .* done' 600 || true
  # The keyboard: 4 shows the device, 1 the live view, Ctrl+Alt+F2 asks for the time.
  look "$name" 1 && look "$name-later" 1
  look "$name-device" 4 && look "$name-live" 1 && look "$name-clock" ctrl-alt-f2 && look "$name-back" ctrl-alt-f1
  if [ "$(differ "$name" "$name-later")" -gt 0 ]; then pass "the picture moves"; else fails "the picture moves"; fi
  nearer "the screen answers to the keyboard" "$name" "$name-live" "$name-device"
  nearer "the second console, and back" "$name" "$name-back" "$name-clock"
  tr -d '\r' <"$log" | grep -aE '^(PASS|FAIL|BOARD|     )|sonolamp: ' | sed 's/^\[ *\([0-9.]*\)\] /     \1 /' || true
  if ! grep -aq '^BOARD .* done, failed=0' "$log"; then
    failed=1
    echo "FAIL      $name: a step failed, or the board did not come to its end ($log)"
    tr -d '\r' <"$log" | tail -n 15 | sed 's/^/     /'
  fi
  # The power button.
  monitor system_powerdown >/dev/null || true
  local left=180
  while kill -0 "$emulator" 2>/dev/null && [ $left -gt 0 ]; do sleep 0.5; left=$((left - 1)); done
  if [ $left -gt 0 ]; then pass "the power button switches it off"; else fails "the power button switches it off"; fi
  stop
}
said() { # WHAT TEXT: the serial line
  if grep -aq "$2" "$log"; then pass "$1"; else fails "$1"; fi
}

new_card
test_disk "$work/test.img"
boots first "1. first boot: A, from the image as it is"
said "slot A was taken" "initrd: .* slot A, version"
said "the data partition grew at this boot" "the data partition grows"
said "the box got its identity at this boot" "this box gets its identity"
identity=$(sed -n 's/.*the box has its identity (\([0-9a-f]*\).*/\1/p' "$log")
[ "${3:-}" != first ] || exit $failed

mkdir "$work/unset"
echo unset >"$work/unset/clock"
sed '$a [dashboard]\nlanguage = "zh"' tests/card/sonolamp.toml >"$work/unset/sonolamp.toml"
test_disk "$work/test.img" "$work/unset"
boots second "2. the same card again, in Chinese, with a clock that was never set" -rtc base=1970-01-01T00:00:00
if grep -aq "this box gets its identity\|the data partition grows" "$log"; then
  fails "no second first boot"
else
  pass "no second first boot"
fi
said "the identity is the same" "the box has its identity ($identity"

echo "     3. one byte of a slot is another"
offset=$(((1 + 256) << 20))
at=$((offset + 20000000))
byte=$(od -An -tu1 -j $at -N 1 "$work/card.img" | tr -d ' ')
printf %b "\\0$(printf %03o $((byte ^ 1)))" | dd of="$work/card.img" bs=1 seek=$at conv=notrunc status=none
# Tries are as they were, two less.
test_disk "$work/test.img"
boots flipped "   which one is told, and the other is started"
said "slot A is noticed to be damaged" "slot A is damaged"
said "slot B is started" "initrd: .* slot B, version"

echo "     4. the data partition is lost"
# All of it: what has lost only its start is mended.
truncate -s $(((1 + 256 + 192 * 2) << 20)) "$work/card.img"
truncate -s 2G "$work/card.img"
mkdir "$work/lost"
echo lost >"$work/lost/data"
test_disk "$work/test.img" "$work/lost"
boots lost "   the box still comes up, and says that it keeps nothing"
said "it is told" "the data partition cannot be mounted: nothing is kept"
exit $failed

#!/bin/bash
# Runs steps on the virtual board with a small card, and records every write to it.
#
#   tests/card/record.sh OUT PROGRAM HOST_PROGRAM STEPS [ARGUMENT...]
#
# OUT       gets card (before the first write), after (at the end), log (of writes), clinic.key, serial
# PROGRAM   an aarch64 program, HOST_PROGRAM one for this machine
# STEPS     exams    exams are kept and the boot state changes; ARGUMENTs: exams=N, and with=barrier=0 for
#                    a kernel that never flushes the data partition
#
# The card has the partitions that this needs of a real one: FAT 1 and ext4 4. Kernel and file systems are
# the card image's; the card itself is qemu's. Needs what tests/hil/board.sh installs.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"
[ $# -ge 4 ] || { echo "usage: tests/card/record.sh OUT PROGRAM HOST_PROGRAM STEPS [ARGUMENT...]" >&2; exit 2; }
mkdir -p "$1"
out=$(realpath "$1") program=$(realpath "$2") host=$(realpath "$3") steps=$4
shift 4
cd "$(dirname "$0")/../.."
[ -e "tests/card/$steps.sh" ] || { echo "record.sh: no steps $steps: exams" >&2; exit 2; }
for pair in qemu-system-aarch64:qemu-system-arm mke2fs:e2fsprogs mkfs.vfat:dosfstools mcopy:mtools sfdisk:fdisk; do
  command -v "${pair%%:*}" >/dev/null || { echo "record.sh: missing: apt-get install ${pair#*:}" >&2; exit 2; }
done
board=$(tests/hil/board.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

rm -f "$out"/{card,after,log,clinic.key,clinic.pub}
"$host" exam keys "$out/clinic.key" >"$out/clinic.pub" 2>/dev/null
truncate -s 40M "$work/fat"
mkfs.vfat -F 32 -s 1 -n SONOBOOT "$work/fat" >/dev/null
printf 'BOOT_ORDER=A B\nBOOT_A_LEFT=3\nBOOT_B_LEFT=3\n' >"$work/ab.env"
mmd -i "$work/fat" ::A ::B
mcopy -i "$work/fat" "$work/ab.env" ::
# As on the card; more than 128 MiB, or there is no second superblock.
truncate -s 160M "$work/ext4"
mke2fs -q -t ext4 -b 4096 -i 16384 -J size=8 -m 1 "$work/ext4"
truncate -s 202M "$out/card"
printf '%s\n' 'label: dos' '1 : start=1MiB, size=40MiB, type=c' '4 : start=41MiB, size=160MiB, type=83' |
  sfdisk -q "$out/card"
dd if="$work/fat" of="$out/card" bs=1M seek=1 conv=notrunc,sparse status=none
dd if="$work/ext4" of="$out/card" bs=1M seek=41 conv=notrunc,sparse status=none
cp --sparse=always "$out/card" "$out/after"
truncate -s 1G "$out/log"

root="$work/root"
mkdir -p "$root"/{bin,sbin,proc,sys,dev,tmp,etc}
cp -r "$board/modules/." "$board/root/." "$root/"
cp "$board/busybox" "$root/bin/"
ln -s busybox "$root/bin/sh"
cp tests/hil/guest.sh "$root/init"
cp "tests/card/$steps.sh" "$root/steps.sh"
cp "$out/clinic.pub" "$root/"
aarch64-linux-gnu-objcopy --strip-all "$program" "$root/bin/sonolamp"
chmod +x "$root/init" "$root/bin/sonolamp"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initrd"

# The card has a write cache, and the guest knows it. What the host's own disk does with flushes is of no
# interest: the log is read after qemu has ended.
timeout 1500 qemu-system-aarch64 -M virt -cpu cortex-a76 -smp 2 -m 1024 -serial stdio -display none -monitor none \
  -nic none -no-reboot -kernel "$board/vmlinuz" -initrd "$work/initrd" \
  -append "console=ttyAMA0 loglevel=1 panic=-1 $*" \
  -blockdev "driver=file,filename=$out/after,node-name=card,cache.no-flush=on" \
  -blockdev "driver=file,filename=$out/log,node-name=log,cache.no-flush=on" \
  -blockdev driver=blklogwrites,node-name=logged,file=card,log=log \
  -device virtio-blk-pci,drive=logged,write-cache=on </dev/null >"$out/serial" 2>&1 || true
shown='^(FAIL|BOARD|     )'
[ "$steps" = exams ] || shown='^(PASS|FAIL|BOARD|     )'
tr -d '\r' <"$out/serial" | grep -aE "$shown" || true
grep -aq '^BOARD .* done, failed=0' "$out/serial" || { tail -n 20 "$out/serial" >&2; exit 1; }

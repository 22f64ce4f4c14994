# What cuts.sh and misfortunes.sh share: the real image on the virtual board, with a card whose writes are
# logged and a test disk (tests/card/cuts/) that brings camera, lamp lines, configuration and a script. Sourced
# by bash from the repository's root, after `image`, `program` (for this machine), `out` and `work` are set.
# SONOLAMP_PROGRAM in the environment: an aarch64 program to be tried in place of the image's.
# shellcheck shell=bash disable=SC2154
export PATH="$PATH:/usr/sbin:/sbin"
for pair in qemu-system-aarch64:qemu-system-arm mke2fs:e2fsprogs mcopy:mtools fsck.vfat:dosfstools; do
  command -v "${pair%%:*}" >/dev/null || { echo "missing: apt-get install ${pair#*:}" >&2; exit 2; }
done
uboot=/usr/lib/u-boot/qemu_arm64/u-boot.bin
[ -f "$uboot" ] || { echo "missing: apt-get install u-boot-qemu" >&2; exit 2; }
board=$(tests/hil/board.sh)
emulator=""
trap '[ -z "$emulator" ] || kill -KILL "$emulator" 2>/dev/null || true; rm -rf "$work"' EXIT
number=0

"$program" exam keys "$out/clinic.key" >"$work/clinic.pub" 2>/dev/null
# test_disk PLAN [STICK]: $work/PLAN.img, whose guest script is told the plan.
test_disk() {
  local folder=$work/test
  rm -rf "$folder"
  mkdir "$folder"
  cp tests/card/cuts/* tests/card/hardware.sh tests/card/card-hardware.service "$work/clinic.pub" "$folder/"
  cp -R "$board/modules" "$folder/modules"
  [ -z "${2:-}" ] || cp -R "$2" "$folder/stick"
  [ -z "${SONOLAMP_PROGRAM:-}" ] || aarch64-linux-gnu-objcopy --strip-all "$SONOLAMP_PROGRAM" "$folder/sonolamp"
  chmod 755 "$folder/hook"
  echo "$1" >"$folder/plan"
  mke2fs -q -t ext4 -L SONOTEST -d "$folder" "$work/$1.img" "$((96 + $(du -sm "$folder" | cut -f 1)))M" >/dev/null
}
new_card() { # the image on a larger card: its data partition grows at the first start
  cp --sparse=always "$image" "$work/card"
  truncate -s "$(($(stat -c %s "$image") + (96 << 20)))" "$work/card"
  : >"$work/kept"
}
start() { # PLAN: the board, with $work/card as it is; its writes go to $work/now and $work/writes
  number=$((number + 1))
  log=$out/$number.log
  cp --sparse=always "$work/card" "$work/now"
  rm -f "$work/writes"
  truncate -s 4G "$work/writes"
  qemu-system-aarch64 -M virt -cpu cortex-a72 -smp 2 -m 1024 -bios "$uboot" \
    -nic none -display none -monitor none -serial "file:$log" -no-reboot \
    -blockdev "driver=file,filename=$work/now,node-name=card,cache.no-flush=on" \
    -blockdev "driver=file,filename=$work/writes,node-name=log,cache.no-flush=on" \
    -blockdev driver=blklogwrites,node-name=logged,file=card,log=log \
    -device virtio-blk-pci,drive=logged,write-cache=on \
    -drive "if=none,id=test,format=raw,readonly=on,file=$work/$1.img" -device virtio-blk-pci,drive=test \
    -device virtio-rng-pci </dev/null &
  emulator=$!
}
wait_for() { # TEXT SECONDS: whether the serial line says it
  local left=$(($2 * 4))
  until grep -aqE "$1" "$log" 2>/dev/null; do
    left=$((left - 1))
    [ $left -gt 0 ] && kill -0 "$emulator" 2>/dev/null || return 1
    sleep 0.25
  done
}
off() {
  [ -z "$emulator" ] || kill -KILL "$emulator" 2>/dev/null || true
  wait "$emulator" 2>/dev/null || true
  emulator=""
}

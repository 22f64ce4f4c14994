#!/bin/bash
# The service for real: boots Debian 12 with systemd in qemu, installs the package on the running system,
# lets misfortunes happen to it, and says PASS or FAIL of each.
#
#   tests/service/run.sh PACKAGE.deb [STEPS]
#
# PACKAGE  an amd64 package, as `deploy/package/build.sh` makes it
# STEPS    another script to run in it; default tests/service/guest.sh
#
# The camera is the kernel's vivid; the lamps are not wired (tests/hil has those). The processor is
# emulated, a quarter of an hour in all; SONOLAMP_ACCEL=kvm takes KVM where that works. SONOLAMP_BOX=container
# boots it with systemd-nspawn instead, which takes six minutes and little of the processor, and skips what a
# container cannot show: vivid (noise through a pipe instead), the console, and, on a machine with control
# groups of version 1, limits. Needs root, Debian 12 or newer on x86-64, and Debian's archive; the root file
# system is kept for the next time.
set -euo pipefail
cd "$(dirname "$0")/../.."

package=${1:?tests/service/run.sh PACKAGE.deb [STEPS]}
steps=${2:-tests/service/guest.sh}
[ "$(dpkg-deb -f "$package" Architecture)" = amd64 ] || { echo "tests/service/run.sh: $package is not for amd64" >&2; exit 2; }
box=${SONOLAMP_BOX:-machine}
case $box in
  machine) boots=qemu-system-x86_64 ;;
  container) boots=systemd-nspawn ;;
  *) echo "tests/service/run.sh: SONOLAMP_BOX is $box; choose machine or container" >&2; exit 2 ;;
esac
for tool in mmdebstrap mke2fs $boots; do
  PATH="$PATH:/usr/sbin" command -v "$tool" >/dev/null ||
    { echo "tests/service/run.sh: $tool is missing: apt-get install mmdebstrap e2fsprogs qemu-system-x86 systemd-container" >&2; exit 2; }
done
export PATH="$PATH:/usr/sbin"

# A Debian with systemd, polkit and the kernel; named by this script's content.
cache="${XDG_CACHE_HOME:-$HOME/.cache}/sonolamp/service-$(sed -n '/^make_root/,/^}/p' "$0" | cksum | cut -d ' ' -f 1)"
make_root() {
  echo "service: making the root file system" >&2
  rm -rf "$cache.part"
  mkdir -p "$cache.part"
  mmdebstrap --variant=minbase --quiet --aptopt='Acquire::Check-Valid-Until "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --include=systemd-sysv,udev,dbus,kmod,polkitd,linux-image-amd64,initramfs-tools,e2fsprogs,procps,util-linux \
    bookworm "$cache.part/root" >&2
  local root="$cache.part/root"
  cat >"$root/etc/systemd/system/steps.service" <<'END'
[Unit]
Description=Test steps
After=multi-user.target
[Service]
Type=oneshot
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
ExecStart=/bin/sh -c '[ -e /steps/guest.sh ] || { mkdir -p /steps && mount -o ro /dev/vdb /steps; } && exec /bin/bash /steps/guest.sh'
ExecStopPost=/usr/bin/systemctl poweroff --force --force
[Install]
WantedBy=multi-user.target
END
  echo box >"$root/etc/hostname"
  chroot "$root" systemctl -q enable steps.service
  chroot "$root" systemctl -q mask getty@tty1.service serial-getty@ttyS0.service console-getty.service apt-daily.timer \
    apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer
  mv "$root"/boot/vmlinuz-* "$cache.part/vmlinuz"
  mv "$root"/boot/initrd.img-* "$cache.part/initrd"
  tar -C "$root" --exclude './lib/modules' --exclude './usr/lib/modules' -cf "$cache.part/root.tar" .
  mke2fs -q -t ext4 -d "$root" "$cache.part/root.img" 1200M >/dev/null
  rm -rf "$root"
  mv "$cache.part" "$cache"
}
[ -e "$cache/root.img" ] || make_root

work=$(mktemp -d)
emulator=""
trap '[ -z "$emulator" ] || { kill "$emulator" 2>/dev/null && wait "$emulator" || true; }; rm -rf "$work"' EXIT
mkdir "$work/steps"
cp "$package" "$work/steps/sonolamp.deb"
cp "$steps" "$work/steps/guest.sh"
log="$work/log"
: >"$log"
if [ "$box" = container ]; then
  mkdir "$work/root"
  tar -C "$work/root" -xf "$cache/root.tar"
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 timeout 1500 systemd-nspawn --quiet --register=no --keep-unit --boot \
    --private-network --directory "$work/root" --bind-ro "$work/steps:/steps" systemd.show_status=0 </dev/null >"$log" 2>&1 &
else
  mke2fs -q -t ext4 -d "$work/steps" "$work/steps.img" 128M >/dev/null
  # The state of the box: small, so that it can be full.
  mke2fs -q -t ext4 "$work/state.img" 64M >/dev/null
  timeout 1500 qemu-system-x86_64 -accel "${SONOLAMP_ACCEL:-tcg,thread=multi}" -cpu max -smp 2 -m 1024 \
    -display none -monitor none -nic none -no-reboot -serial stdio \
    -kernel "$cache/vmlinuz" -initrd "$cache/initrd" \
    -append "root=/dev/vda rw console=ttyS0 quiet panic=-1 systemd.show_status=0" \
    -drive "file=$cache/root.img,if=virtio,format=raw,snapshot=on" \
    -drive "file=$work/steps.img,if=virtio,format=raw,readonly=on" \
    -drive "file=$work/state.img,if=virtio,format=raw" </dev/null >"$log" 2>&1 &
fi
emulator=$!
tail -n +1 -f --pid="$emulator" "$log" | while IFS= read -r line; do
  line=${line%$'\r'}
  case $line in
    PASS* | FAIL* | SKIP* | "     "* | BOX*) echo "$line" ;;
  esac
done
wait "$emulator" || true
emulator=""
if ! grep -aq '^BOX .* done, failed=0' "$log"; then
  echo "service: a step failed, or the box did not come to its end; the log's end:" >&2
  grep -avE '^(PASS|FAIL|SKIP|BOX|     )' "$log" | tail -n 30 >&2
  exit 1
fi

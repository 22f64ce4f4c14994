#!/bin/sh
# Makes Debian's plain root the card's: called by build.sh as a hook of mmdebstrap, with the root. What
# it needs lies in ROOT/card (packages, these files), and what it makes there too: kernel, firmware,
# initrd, list of packages.
set -eu
root=$1
here=$root/card
made=$root/card/made
mkdir -p "$made/boot" "$root/card/x"
inside() { chroot "$root" "$@"; }
words() { sed 's/#.*//' "$1" | xargs; }

# The program. Its user has the same number in every version: the data partition stays.
inside useradd --system --uid 900 --user-group --no-create-home --home-dir /var/lib/sonolamp --shell /usr/sbin/nologin sonolamp
inside dpkg -i /card/sonolamp.deb
cp -R --no-preserve=ownership "$here/files/." "$root/"
chmod 755 "$root"/usr/lib/sonolamp/*
# shellcheck disable=SC2046 # a list
inside systemctl -q enable sonolamp.service sonolamp-clock.service seatd.service $(cat "$here/units")
# Nobody logs in: no prompt on screen or serial line, no password, and what systemd would ask for a
# password ends in a restart.
inside systemctl -q mask getty@.service serial-getty@.service console-getty.service container-getty@.service \
  autovt@.service debug-shell.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-networkd.service systemd-networkd.socket ctrl-alt-del.target
inside passwd -q -l root
# Where the clock stands when it was never set: systemd takes nothing earlier, and nothing more than 15
# years later. The program believes a time from 2026 on.
touch -d 2024-01-01T00:00:00Z "$root/usr/lib/clock-epoch"
: >"$root/etc/machine-id"
rm -f "$root/etc/hostname" "$root/etc/resolv.conf" "$root/var/lib/dbus/machine-id"
rm -f "$root"/etc/ssh/* 2>/dev/null || true
: >"$root/etc/fstab"
mkdir -p "$root/data" "$root/boot" "$root/media" "$root/etc/sonolamp"

# The kernel, of its modules those that a box has hardware for.
for package in "$root"/card/debs/*.deb; do dpkg-deb -x "$package" "$root/card/x"; done
x=$root/card/x
kernel=$(ls "$x/lib/modules")
cp "$x/boot/vmlinuz-$kernel" "$made/vmlinuz"
depmod -b "$x" "$kernel"
take() { # LIST INTO: those modules and what they need
  mkdir -p "$2/lib/modules/$kernel"
  cp "$x/lib/modules/$kernel/modules.order" "$x/lib/modules/$kernel/modules.builtin" \
    "$x/lib/modules/$kernel/modules.builtin.modinfo" "$2/lib/modules/$kernel/"
  for module in $(words "$1"); do
    modprobe -d "$x" -S "$kernel" --show-depends "$module" 2>/dev/null || echo "no module $module" >&2
  done | sed -n "s#^insmod $x/\([^ ]*\).*#\1#p" | sort -u | while read -r file; do
    mkdir -p "$2/${file%/*}"
    cp "$x/$file" "$2/$file"
  done
  depmod -b "$2" "$kernel"
}
take "$here/modules" "$root"

# The initrd.
initrd=$root/card/tree
mkdir -p "$initrd/bin" "$initrd/lib"
cp "$here/initrd/init" "$initrd/init"
chmod 755 "$initrd/init"
cp "$x/bin/busybox" "$initrd/bin/"
ln -s busybox "$initrd/bin/sh"
take "$here/initrd/modules" "$initrd"
for tool in dmsetup e2fsck resize2fs sfdisk; do
  path=$(inside sh -c "command -v $tool")
  cp -L "$root$path" "$initrd/bin/"
  inside ldd "$path" | grep -o '/[^ ]*'
done | sort -u | while read -r library; do
  mkdir -p "$initrd${library%/*}"
  cp -L "$root$library" "$initrd$library"
done
find "$initrd" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
(cd "$initrd" && find . | LC_ALL=C sort | cpio -o -H newc --quiet --reproducible -R 0:0 | gzip -9n) >"$made/initrd"

# The boot partition.
firmware=$(find "$x" -name start4.elf -printf '%h')
for file in bootcode.bin start.elf fixup.dat start4.elf fixup4.dat; do cp "$firmware/$file" "$made/boot/"; done
cp "$x/usr/lib/u-boot/rpi_arm64/u-boot.bin" "$made/boot/"
cp "$x/usr/lib/linux-image-$kernel/broadcom/"bcm2837-rpi-*.dtb "$x/usr/lib/linux-image-$kernel/broadcom/"bcm2711-rpi-*.dtb "$made/boot/"

# The list of packages, for the SBOM; then package management goes: a slot is replaced whole.
cp "$root/var/lib/dpkg/status" "$made/status"
for package in "$root"/card/debs/*.deb; do dpkg-deb -f "$package" Package Version Architecture Source Maintainer; echo; done >"$made/fetched"
rm -rf "$root"/var/lib/apt "$root"/var/cache/apt "$root"/var/lib/dpkg "$root"/var/log/* "$root"/usr/share/doc/* "$root"/usr/share/man \
  "$root"/usr/share/locale "$root"/usr/share/bash-completion "$root"/usr/share/zsh "$root"/usr/share/fish "$root"/usr/share/lintian \
  "$root"/usr/lib/udev/hwdb.d "$root"/var/cache/ldconfig/aux-cache "$root"/etc/apt "$root"/etc/*- "$root"/etc/.pwd.lock

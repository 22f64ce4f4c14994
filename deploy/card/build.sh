#!/bin/bash
# Makes the card image for a Raspberry Pi 3 or 4 of the program's Debian package, with no loop device
# and no mount:
#
#   deploy/card/build.sh PACKAGE.deb OUT_FOLDER
#
# OUT_FOLDER gets sonolamp-VERSION.img.xz with its .sha256, the list of what is inside as CycloneDX
# (.cdx.json), the list that Raspberry Pi Imager reads (.rpi-imager.json), and in slot/ what an update
# brings. Debian's packages are fetched into OUT_FOLDER/base once; a new OUT_FOLDER gets the newest.
#
# SONOLAMP_MIRROR, SONOLAMP_SECURITY   other mirrors of Debian and of its security updates
# SONOLAMP_UPDATE_CA                   the public key of who may sign updates (deploy/update/keys.sh)
# SONOLAMP_URL                         where the image will be served from, for Raspberry Pi Imager
# SOURCE_DATE_EPOCH                    the time of all files; else that of the last commit
# SONOLAMP_QUICK=1                     no .xz, and packed less: for tests
# SONOLAMP_DEBUG=1                     mmdebstrap tells what it does
#
# Needs Debian 12 or newer, as root or with user name spaces; says what is missing.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"
here=$(cd "$(dirname "$0")" && pwd)
fail() { echo "deploy/card/build.sh: $*" >&2; exit 1; }
[ $# = 2 ] || fail "usage: deploy/card/build.sh PACKAGE.deb OUT_FOLDER"
package=$1
[ -f "$package" ] || fail "no package $package: make one with deploy/package/build.sh"
[ "$(dpkg-deb -f "$package" Architecture)" = arm64 ] || fail "$package is not for arm64"
missing=()
for pair in mmdebstrap:mmdebstrap mksquashfs:squashfs-tools veritysetup:cryptsetup-bin mcopy:mtools \
  mkfs.vfat:dosfstools mke2fs:e2fsprogs sfdisk:fdisk mkimage:u-boot-tools fdtput:device-tree-compiler \
  cpio:cpio depmod:kmod xz:xz-utils arch-test:arch-test qemu-aarch64-static:qemu-user-static python3:python3; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
done
[ ${#missing[@]} = 0 ] || fail "missing: apt-get install ${missing[*]}"
[ "$(uname -m)" = aarch64 ] || arch-test arm64 >/dev/null 2>&1 ||
  fail "arm64 programs do not run here: mount -t binfmt_misc none /proc/sys/fs/binfmt_misc; /lib/systemd/systemd-binfmt"
mkdir -p "$2"
out=$(cd "$2" && pwd)
version=$(dpkg-deb -f "$package" Version)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
mode=unshare
[ "$(id -u)" != 0 ] || mode=root
words() { sed 's/#.*//' "$1" | xargs; }
log() { echo "card: $* (${SECONDS} s)" >&2; }

mirror=${SONOLAMP_MIRROR:-http://deb.debian.org/debian}
security=${SONOLAMP_SECURITY:-http://deb.debian.org/debian-security}
signed="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
sources="deb $signed $mirror bookworm main non-free-firmware
deb $signed $mirror bookworm-updates main non-free-firmware
deb $signed $security bookworm-security main non-free-firmware"
run_mmdebstrap() { mmdebstrap ${SONOLAMP_DEBUG:+--verbose} --arch=arm64 --mode=$mode "$@"; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

# 1. Debian's packages, once: the root, and those that are only unpacked.
base="$out/base"
mark=$(cat "$here/packages" "$here/fetched" | cksum | cut -d ' ' -f 1)
if [ "$(cat "$base/complete" 2>/dev/null)" != "$mark" ]; then
  log "fetching Debian's packages"
  rm -rf "$base"
  mkdir -p "$base"
  cp "$here/fetch.sh" "$work/"
  run_mmdebstrap --variant=minbase --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --include="$(words "$here/packages" | tr ' ' ,)" \
    --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --customize-hook="sh $work/fetch.sh \"\$1\" $(words "$here/fetched")" \
    --customize-hook="copy-out /debs $base" --customize-hook="rm -rf \"\$1/debs\"" \
    bookworm "$base/root.tar" - <<<"$sources"
  echo "$mark" >"$base/complete"
fi

# 2. The card's root, kernel and initrd.
log "the root"
mkdir "$work/card" "$work/made"
cp -R "$base/debs" "$work/card/debs"
cp -R "$here/root" "$work/card/files"
cp -R "$here/initrd" "$here/modules" "$work/card/"
# Updates bring files and units of their own.
: >"$work/card/units"
if [ -d "$here/../update/root" ]; then
  cp -R "$here/../update/root/." "$work/card/files/"
  words "$here/../update/units" >"$work/card/units"
fi
if [ -n "${SONOLAMP_UPDATE_CA:-}" ]; then
  mkdir -p "$work/card/files/etc/rauc"
  install -m 644 "$SONOLAMP_UPDATE_CA" "$work/card/files/etc/rauc/keyring.pem"
fi
cp "$package" "$work/card/sonolamp.deb"
cp "$here/finish.sh" "$work/card/"
run_mmdebstrap --variant=custom --skip=update,setup,cleanup \
  --setup-hook="tar-in $base/root.tar /" \
  --customize-hook="copy-in $work/card /" \
  --customize-hook="sh $work/card/finish.sh \"\$1\"" \
  --customize-hook="copy-out /card/made $work" \
  --customize-hook="rm -rf \"\$1/card\"" \
  '' "$work/root.tar" </dev/null >&2
slot="$out/slot"
rm -rf "$slot"
mkdir -p "$slot"
made="$work/made"
mv "$made/vmlinuz" "$made/initrd" "$slot/"

# 3. The slot: squashfs, its hash tree behind it, and what the initrd must know of both.
log "the slot"
level=19
[ -z "${SONOLAMP_QUICK:-}" ] || level=3
mksquashfs - "$slot/root.img" -tar -comp zstd -Xcompression-level "$level" -b 256K -noappend -quiet -no-progress \
  -no-exports <"$work/root.tar"
size=$(stat -c %s "$slot/root.img")
size=$(((size + 4095) / 4096 * 4096))
truncate -s $size "$slot/root.img"
# Salt and number by the content: the same content makes the same image.
salt=$(sha256sum <"$slot/root.img" | cut -c -64)
hash=$(veritysetup format --salt="$salt" --uuid="${salt:0:8}-${salt:8:4}-4${salt:12:3}-8${salt:15:3}-${salt:18:12}" \
  --hash-offset=$size "$slot/root.img" "$slot/root.img" | sed -n 's/^Root hash:[ \t]*//p')
cat >"$slot/slot.env" <<END
VERSION=$version
DATA_BLOCKS=$((size / 4096))
HASH_OFFSET=$size
HASH_BLOCK=$((size / 4096 + 1))
SALT=$salt
ROOT_HASH=$hash
END

# Of the device trees: Wi-Fi and Bluetooth off; a clock chip (DS3231) on the I2C bus and a display on the
# SPI bus may be there, and do no harm where they are not.
for tree in "$made"/boot/*.dtb; do
  fdtput -t s "$tree" /soc/mmc@7e300000 status disabled
  fdtput -r "$tree" /soc/serial@7e201000/bluetooth 2>/dev/null || true
  # The bus on the header is i2c-1 everywhere.
  fdtput -t s "$tree" /aliases i2c1 /soc/i2c@7e804000
  fdtput -c "$tree" /soc/i2c@7e804000/rtc@68
  fdtput -t s "$tree" /soc/i2c@7e804000/rtc@68 compatible maxim,ds3231
  fdtput -t x "$tree" /soc/i2c@7e804000/rtc@68 reg 68
  fdtput -t x "$tree" /soc/gpio@7e200000/spi0_gpio7 phandle 1000
  fdtput -t x "$tree" /soc/spi@7e204000 pinctrl-0 1000
  fdtput -t s "$tree" /soc/spi@7e204000 pinctrl-names default
  fdtput -t s "$tree" /soc/spi@7e204000 status okay
  fdtput -c "$tree" /soc/spi@7e204000/spidev@0
  fdtput -t s "$tree" /soc/spi@7e204000/spidev@0 compatible rohm,dh2228fv
  fdtput -t x "$tree" /soc/spi@7e204000/spidev@0 reg 0
  fdtput -t i "$tree" /soc/spi@7e204000/spidev@0 spi-max-frequency 62500000
done

# 4. The card: boot partition, two slots, data.
log "the card"
boot_mib=256 slot_mib=192 data_mib=160
[ "$(stat -c %s "$slot/root.img")" -le $((slot_mib << 20)) ] || fail "the slot takes more than $slot_mib MiB"
fat="$work/boot.vfat"
truncate -s ${boot_mib}M "$fat"
mkfs.vfat -F 32 -n SONOBOOT -i 534f4e4f --invariant "$fat" >/dev/null
mkimage -A arm64 -T script -C none -n sonolamp -d "$here/boot/boot.cmd" "$made/boot/boot.scr" >/dev/null
cp "$here/boot/config.txt" "$made/boot/"
# As long as U-Boot writes it: in place, one sector.
printf 'BOOT_A_LEFT=3\nBOOT_B_LEFT=3\nBOOT_ORDER=A B\n\n' >"$made/boot/ab.env"
mkdir -p "$made/boot/A" "$made/boot/B" "$made/boot/config"
cp "$slot/vmlinuz" "$slot/initrd" "$slot/slot.env" "$made/boot/A/"
cp "$slot/vmlinuz" "$slot/initrd" "$slot/slot.env" "$made/boot/B/"
find "$made/boot" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
(cd "$made/boot" && mcopy -s -m -i "$fat" ./* ::/)
data="$work/data.ext4"
E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH mke2fs -q -t ext4 -b 4096 -i 16384 -J size=8 -m 1 -L SONODATA -U 534f4e4f-0000-4000-8000-000000000004 \
  -E "hash_seed=534f4e4f-0000-4000-8000-000000000005,lazy_itable_init=0,lazy_journal_init=0,resize=33554432" "$data" ${data_mib}M
image="$out/sonolamp-$version.img"
rm -f "$image"
truncate -s $((1 + boot_mib + 2 * slot_mib + data_mib + 1))M "$image"
sfdisk -q "$image" <<END
label: dos
label-id: 0x534f4e4f
start=1MiB, size=${boot_mib}MiB, type=c, bootable
size=${slot_mib}MiB, type=83
size=${slot_mib}MiB, type=83
size=${data_mib}MiB, type=83
END
put() { dd if="$1" of="$image" bs=1M seek="$2" conv=notrunc,sparse status=none; }
put "$fat" 1
put "$slot/root.img" $((1 + boot_mib))
put "$slot/root.img" $((1 + boot_mib + slot_mib))
put "$data" $((1 + boot_mib + 2 * slot_mib))

# 5. What goes with it.
log "checksums and lists"
digest() { sha256sum <"$1" | cut -c -64; }
sum=$(digest "$image")
python3 "$here/sbom.py" sonolamp-card "$version" "$sum" "$made/status" "$made/fetched" "$here/../../Cargo.lock" \
  >"$out/sonolamp-$version.cdx.json"
if [ -n "${SONOLAMP_QUICK:-}" ]; then
  log "done: $image"
  exit
fi
# Both slots hold the same: a window that is wider than one of them keeps the second for nothing.
log "compressing"
xz -k -f -T1 --lzma2=preset=6,dict=$((slot_mib + 64))MiB,mf=hc4 "$image"
name="sonolamp-$version.img.xz"
(cd "$out" && sha256sum "$name" "sonolamp-$version.cdx.json" >"$name.sha256")
python3 - "$name" "$version" "$(stat -c %s "$image")" "$sum" "$(stat -c %s "$out/$name")" "$(digest "$out/$name")" \
  "$(date -u -d "@$SOURCE_DATE_EPOCH" +%F)" "${SONOLAMP_URL:-file://$out}" >"$out/sonolamp-$version.rpi-imager.json" <<'END'
import json, sys
name, version, size, digest, packed, packed_digest, date, folder = sys.argv[1:]
print(json.dumps({"os_list": [{
    "name": f"Sonolamp {version}",
    "description": "Ultrasound screening box: offline, for a Raspberry Pi 3 or 4. Not a medical device.",
    "url": f"{folder}/{name}",
    "release_date": date,
    "extract_size": int(size),
    "extract_sha256": digest,
    "image_download_size": int(packed),
    "image_download_sha256": packed_digest,
    "devices": ["pi3-64bit", "pi4-64bit"],
    "init_format": "none",
}]}, indent=1))
END
log "done: $out/$name, $(($(stat -c %s "$out/$name") / 1000000)) MB"

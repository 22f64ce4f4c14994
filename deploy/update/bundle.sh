#!/bin/bash
# Makes a signed update of a card that was built, and prints its path:
#
#   deploy/update/bundle.sh SLOT_FOLDER KEY_FOLDER OUT_FOLDER
#
#   SLOT_FOLDER  slot/ of what deploy/card/build.sh made: root.img, vmlinuz, initrd, slot.env
#   KEY_FOLDER   sign.key, sign.pem and ca.pem of deploy/update/keys.sh
#   OUT_FOLDER   where sonolamp-VERSION.raucb goes
#
# Needs rauc, squashfs-tools and cryptsetup-bin; no loop device, no mount, no root.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"
here=$(cd "$(dirname "$0")" && pwd)
fail() { echo "deploy/update/bundle.sh: $*" >&2; exit 1; }
[ $# = 3 ] || fail "usage: deploy/update/bundle.sh SLOT_FOLDER KEY_FOLDER OUT_FOLDER"
for pair in rauc:rauc mksquashfs:squashfs-tools veritysetup:cryptsetup-bin; do
  command -v "${pair%%:*}" >/dev/null || fail "missing: apt-get install ${pair#*:}"
done
slot=$1 keys=$2
for file in root.img vmlinuz initrd slot.env; do [ -f "$slot/$file" ] || fail "no $slot/$file: SLOT_FOLDER is slot/ of deploy/card/build.sh"; done
for file in sign.key sign.pem ca.pem; do [ -f "$keys/$file" ] || fail "no $keys/$file: make keys with deploy/update/keys.sh"; done
mkdir -p "$3"
out=$(cd "$3" && pwd)

value() { sed -n "s/^$1=//p" "$slot/slot.env"; }
version=$(value VERSION)
case $version in '' | [!0-9]* | *[!0-9A-Za-z.+~-]*) fail "$slot/slot.env: VERSION=$version is no version" ;; esac
veritysetup verify "$slot/root.img" "$slot/root.img" "$(value ROOT_HASH)" --hash-offset="$(value HASH_OFFSET)" >/dev/null ||
  fail "$slot/root.img is not what slot.env says: build the card again"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/content"
# The image is one slot's; the rest lies beside it and goes into the slot's folder of the boot partition.
for file in root.img vmlinuz initrd slot.env; do
  ln -L "$slot/$file" "$work/content/$file" 2>/dev/null || cp -L "$slot/$file" "$work/content/$file"
done
cat >"$work/content/manifest.raucm" <<END
[update]
compatible=$(sed -n 's/^compatible=//p' "$here/root/etc/rauc/system.conf")
version=$version
description=Sonolamp $version

[bundle]
format=verity

[image.rootfs]
filename=root.img
END
bundle="$out/sonolamp-$version.raucb"
rm -f "$bundle"
# As a box will look at it: the key must be one for signing code.
sed "s#^path=.*#path=$(realpath "$keys")/ca.pem#" "$here/root/etc/rauc/system.conf" >"$work/system.conf"
rauc --conf="$work/system.conf" --cert="$keys/sign.pem" --key="$keys/sign.key" --keyring="$keys/ca.pem" \
  bundle --mksquashfs-args="-quiet -no-progress -comp zstd -Xcompression-level 9" "$work/content" "$bundle" >"$work/log" 2>&1 ||
  { cat "$work/log" >&2; fail "rauc did not make the bundle"; }
echo "$bundle"

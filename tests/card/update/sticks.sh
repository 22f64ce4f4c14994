#!/bin/bash
# Makes sticks that must be refused, a folder each:
#
#   tests/card/update/sticks.sh KEY_FOLDER OUT_FOLDER
#
# KEY_FOLDER is made by deploy/update/keys.sh. Besides *.raucb a folder holds `words`, what the box must say
# (a pattern), and `stage`: info (RAUC's signature check refuses, or sonolamp-update before it installs),
# content (update-before refuses what lies in the bundle) or block (a block is not what was signed: only dm-verity sees it).
# The bundles' root and kernel are a few random bytes: none of them gets as far as being started.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"
cd "$(dirname "$0")/../../.."
[ $# = 2 ] || { echo "usage: tests/card/update/sticks.sh KEY_FOLDER OUT_FOLDER" >&2; exit 2; }
keys=$(realpath "$1")
mkdir -p "$2"
out=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compatible=$(sed -n 's/^compatible=//p' deploy/update/root/etc/rauc/system.conf)

slot() { # FOLDER VERSION
  mkdir -p "$1/tree"
  head -c 300000 /dev/urandom >"$1/tree/blob"
  mksquashfs "$1/tree" "$1/root.img" -noappend -quiet -no-progress
  rm -r "$1/tree"
  local size hash
  size=$((($(stat -c %s "$1/root.img") + 4095) / 4096 * 4096))
  truncate -s $size "$1/root.img"
  hash=$(veritysetup format --salt=00 --hash-offset=$size "$1/root.img" "$1/root.img" | sed -n 's/^Root hash:[ \t]*//p')
  printf 'VERSION=%s\nDATA_BLOCKS=%s\nHASH_OFFSET=%s\nHASH_BLOCK=%s\nSALT=00\nROOT_HASH=%s\n' \
    "$2" $((size / 4096)) $size $((size / 4096 + 1)) "$hash" >"$1/slot.env"
  head -c 60000 /dev/urandom >"$1/vmlinuz"
  head -c 40000 /dev/urandom >"$1/initrd"
}
stick() { # NAME STAGE WORDS: prints the file to make
  mkdir -p "$out/$1"
  echo "$2" >"$out/$1/stage"
  echo "$3" >"$out/$1/words"
  echo "$out/$1/sonolamp-0.2.0.raucb"
}
# sign FOLDER FILE [MANIFEST_EDIT] [CERT KEY]: a bundle by hand, so that it can be wrong.
sign() {
  local content=$work/content
  rm -rf "$content"
  cp -R "$1" "$content"
  printf '[update]\ncompatible=%s\nversion=0.2.0\n[bundle]\nformat=verity\n[image.rootfs]\nfilename=root.img\n' "$compatible" |
    sed "${3:-}" >"$content/manifest.raucm"
  rm -f "$2"
  rauc --cert="${4:-$keys/sign.pem}" --key="${5:-$keys/sign.key}" bundle --mksquashfs-args="-quiet -no-progress" "$content" "$2" \
    >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
}

slot "$work/slot" 0.2.0
good=$work/good.raucb
sign "$work/slot" "$good"
size=$(stat -c %s "$good")
# A bundle: squashfs with its hash tree, signature, and the signature's length in the last eight bytes.
signature=$((16#$(tail -c 8 "$good" | od -An -tx1 | tr -d ' \n')))
payload=$((size - 8 - signature))
squashfs=$(($(od -An -tu8 -j 40 -N 8 "$good" | tr -d ' ')))
squashfs=$(((squashfs + 4095) / 4096 * 4096))

lost="not signed, or not complete|signature is wrong"
for length in 0 1 100 4096 65536 $((size / 4)) $((size / 2)) $((size * 3 / 4)) $squashfs $payload \
  $((size - 4096)) $((size - 100)) $((size - 9)) $((size - 8)) $((size - 1)); do
  head -c "$length" "$good" >"$(stick "cut-at-$length" info "$lost")"
done
# Longer than it was: what a stick's worn file system may give.
{ cat "$good"; head -c 4096 /dev/zero; } >"$(stick longer info "$lost")"

flip() { # OFFSET FILE
  cp "$good" "$2"
  # shellcheck disable=SC2059 # an escape, made up
  printf "\\x$(printf '%02x' $((16#$(od -An -tx1 -j "$1" -N 1 "$good" | tr -d ' ') ^ 1)))" |
    dd of="$2" bs=1 seek="$1" conv=notrunc status=none
}
for offset in $((squashfs / 8)) $((squashfs / 4)) $((squashfs / 2)) $((squashfs * 5 / 8)) $((squashfs * 7 / 8)) $((squashfs - 4097)) \
  60 $((squashfs + 100)) $((payload - 4000)); do
  flip "$offset" "$(stick "flipped-at-$offset" block damaged)"
done
flip 0 "$(stick flipped-magic info "$lost")"
for offset in $((payload + 60)) $((payload + signature / 4)) $((payload + signature / 2)) $((size - 30)); do
  flip "$offset" "$(stick "flipped-signature-at-$offset" info "$lost|does not know")"
done
for offset in $((size - 8)) $((size - 2)); do
  flip "$offset" "$(stick "flipped-length-at-$offset" info "$lost")"
done

# Not signed, or by someone else.
head -c "$payload" "$good" >"$(stick unsigned info "$lost")"
{ head -c "$payload" "$good"; printf '\0\0\0\0\0\0\0\0'; } >"$(stick unsigned-length-0 info "$lost")"
{ head -c "$payload" "$good"; head -c $((signature + 8)) /dev/urandom; } >"$(stick signed-with-noise info "$lost")"
deploy/update/keys.sh "$work/foreign" >/dev/null
sign "$work/slot" "$(stick foreign-authority info 'does not know')" '' "$work/foreign/sign.pem" "$work/foreign/sign.key"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/self.key" -out "$work/self.pem" -days 30 -subj /CN=self 2>/dev/null
sign "$work/slot" "$(stick self-signed info 'does not know')" '' "$work/self.pem" "$work/self.key"
# An authority by the same name.
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/twin.key" -out "$work/twin.pem" -days 30 \
  -subj "/$(openssl x509 -noout -subject -nameopt compat -in "$keys/ca.pem" | sed 's/^subject=//; s#^/##')" 2>/dev/null
issue() { # NAME USE START END [CA KEY]: a key of the authority's, of another kind or time
  local folder=$work/ca-$1
  mkdir "$folder"
  : >"$folder/index"
  echo 1000 >"$folder/serial"
  openssl req -new -newkey rsa:2048 -nodes -keyout "$work/$1.key" -out "$folder/request" -subj "/CN=$1" 2>/dev/null
  printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index\nserial=%s/serial\nnew_certs_dir=%s\ndefault_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n[e]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,%s\n' \
    "$folder" "$folder" "$folder" "$2" >"$folder/conf"
  openssl ca -batch -config "$folder/conf" -extensions e -cert "${5:-$keys/ca.pem}" -keyfile "${6:-$keys/ca.key}" \
    -startdate "$3" -enddate "$4" -in "$folder/request" -out "$work/$1.pem" 2>/dev/null
}
issue twins codeSigning 20200101000000Z 20400101000000Z "$work/twin.pem" "$work/twin.key"
sign "$work/slot" "$(stick authority-of-the-same-name info "does not know|signature is wrong")" '' "$work/twins.pem" "$work/twins.key"
issue mail emailProtection 20200101000000Z 20400101000000Z
sign "$work/slot" "$(stick key-for-mail info 'not one for signing updates')" '' "$work/mail.pem" "$work/mail.key"
issue past codeSigning 20200101000000Z 20210101000000Z
sign "$work/slot" "$(stick key-past-its-time info 'past its time')" '' "$work/past.pem" "$work/past.key"
issue future codeSigning 20390101000000Z 20400101000000Z
sign "$work/slot" "$(stick key-of-the-future info 'past its time')" '' "$work/future.pem" "$work/future.key"

# The signature of one bundle under the content of another.
slot "$work/else" 0.2.0
sign "$work/else" "$work/else.raucb"
{ head -c "$payload" "$work/else.raucb"; tail -c $((signature + 8)) "$good"; } >"$(stick signature-of-another block 'damaged')"
# Kinds that this box does not take.
sign "$work/slot" "$(stick kind-plain info 'of a kind|not signed')" 's/format=verity/format=plain/'

# Signed, and not for this box or not newer.
for board in sonolamp-jetson-arm64 sonolamp-raspberrypi-arm64x sonolamp; do
  sign "$work/slot" "$(stick "board-$board" info 'another kind of box')" "s/^compatible=.*/compatible=$board/"
done
for version in 0.0.9 0.0.1 0.1.0~rc1; do
  cp -R "$work/slot" "$work/old"
  sed -i "s/^VERSION=.*/VERSION=$version/" "$work/old/slot.env"
  sign "$work/old" "$(stick "older-$version" info 'is older')" "s/^version=.*/version=$version/"
  rm -r "$work/old"
done
sign "$work/slot" "$(stick no-version info 'names no version')" '/^version=/d'
sign "$work/slot" "$(stick odd-version info 'names no version')" 's/^version=.*/version=latest/'
# The manifest says 0.2.0, and what is inside is older.
cp -R "$work/slot" "$work/old"
sed -i "s/^VERSION=.*/VERSION=0.0.5/" "$work/old/slot.env"
sign "$work/old" "$(stick two-versions content 'names two versions')"
for file in vmlinuz initrd slot.env; do
  cp -R "$work/slot" "$work/less"
  rm "$work/less/$file"
  sign "$work/less" "$(stick "without-$file" content "$file is missing")"
  rm -r "$work/less"
done
# Two at once: which of them is meant?
cp "$good" "$(stick two-updates info 'more than one')"
cp "$good" "$out/two-updates/sonolamp-0.3.0.raucb"

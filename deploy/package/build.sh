#!/bin/bash
# Makes the Debian package of a program that is built already, and prints its path:
#
#   deploy/package/build.sh PROGRAM ARCH OUT_FOLDER
#
#   PROGRAM     what `cargo build` or `cross/build.sh` made
#   ARCH        amd64 or arm64; must be the program's own
#   OUT_FOLDER  where sonolamp_VERSION_ARCH.deb goes
#
# SONOLAMP_VERSION   a version other than Cargo.toml's
# SONOLAMP_HOST      a program of the same source that runs on this machine and writes the manual; else
#                    the program itself does, under qemu-aarch64-static where it is foreign
# SOURCE_DATE_EPOCH  the time of all files; else that of the last commit
#
# dpkg-deb on a staged tree, and not cargo-deb: that would have to be compiled first (minutes), knows
# nothing of a program for another board that is built already, and what it adds, Depends from the
# symbol versions, is a page below. Needs dpkg and binutils. The same input makes the same bytes.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() { echo "deploy/package/build.sh: $*" >&2; exit 1; }
[ $# = 3 ] || fail "usage: deploy/package/build.sh PROGRAM ARCH OUT_FOLDER"
program=$1 arch=$2 out=$3
for tool in dpkg-deb readelf gzip; do
  command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install dpkg binutils gzip"
done
[ -f "$program" ] || fail "no program $program: build one with cargo build --release or cross/build.sh"
case $arch in
  amd64) machine="Advanced Micro Devices X86-64" triplet=x86_64-linux-gnu qemu=qemu-x86_64-static ;;
  arm64) machine=AArch64 triplet=aarch64-linux-gnu qemu=qemu-aarch64-static ;;
  *) fail "no architecture \`$arch\`; choose amd64 or arm64" ;;
esac
LC_ALL=C readelf -h "$program" 2>/dev/null | grep -q "Machine: *$machine$" ||
  fail "$program is no program for $arch"

version=${SONOLAMP_VERSION:-$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)}
[ -n "$version" ] || fail "Cargo.toml names no version"
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
maintainer="the Sonolamp developers <sonolamp@localhost>"
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
here=deploy/package

put() { # SOURCE PATH [MODE]: a file into the tree
  install -D -m "${3:-644}" "$1" "$root/$2"
}

# The program, and what the C library must be able to do for it.
put "$program" usr/bin/sonolamp 755
for strip in "$triplet-strip" llvm-strip strip; do
  "$strip" --strip-unneeded "$root/usr/bin/sonolamp" 2>/dev/null && break
done
symbols=$(LC_ALL=C readelf -V "$root/usr/bin/sonolamp" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
depends="libc6 (>= ${symbols#GLIBC_})"
while read -r library; do
  case $library in
    ld-linux-*.so.* | libc.so.6 | libm.so.6 | libpthread.so.0 | libdl.so.2 | librt.so.1) ;;
    libgcc_s.so.1) depends="$depends, libgcc-s1" ;;
    *) fail "$program needs $library, and no package is known to have it" ;;
  esac
done < <(LC_ALL=C readelf -d "$root/usr/bin/sonolamp" | sed -n 's/.*Shared library: \[\(.*\)\]/\1/p')
# deb-systemd-helper; sysusers, and units that a later systemd understands better.
depends="$depends, init-system-helpers (>= 1.54), systemd (>= 245)"

units=usr/lib/systemd/system
put $here/systemd/sonolamp.service $units/sonolamp.service
put $here/systemd/common.conf $units/sonolamp.service.d/10-common.conf
put $here/systemd/sonolamp-dashboard@.service $units/sonolamp-dashboard@.service
put $here/systemd/common.conf $units/sonolamp-dashboard@.service.d/10-common.conf
put $here/systemd/sonolamp-retry@.service $units/sonolamp-retry@.service
put $here/sysusers.conf usr/lib/sysusers.d/sonolamp.conf
put $here/tmpfiles.conf usr/lib/tmpfiles.d/sonolamp.conf
put $here/modules-load.conf usr/lib/modules-load.d/sonolamp.conf
put $here/udev.rules usr/lib/udev/rules.d/60-sonolamp.rules
put $here/polkit.rules usr/share/polkit-1/rules.d/sonolamp.rules
put deploy/sonolamp.toml etc/sonolamp/sonolamp.toml

# Bundles beside the built-in one, without what only checks their figures.
for bundle in breast xray; do
  while IFS= read -r -d '' file; do
    put "$file" "usr/share/sonolamp/$file"
  done < <(find "models/$bundle" -path '*/folds' -prune -o -type f -print0)
done

doc=usr/share/doc/sonolamp
for file in $here/README.md deploy/cameras.md deploy/wiring.md deploy/wiring.svg deploy/SECURITY.md deploy/HAZARDS.md; do
  put "$file" "$doc/${file##*/}"
done
for file in "$here"/examples/*; do put "$file" "$doc/examples/${file##*/}"; done
for file in deploy/box/*; do put "$file" "$doc/box/${file##*/}"; done
sed -e "s/@COPYRIGHT@/$(sed -n 's/^Copyright (c) //p' LICENSE-MIT)/" -e '/@MIT@/{
r '<(sed -e '1,/^Copyright/d' LICENSE-MIT | sed -e '1{/^$/d}' -e 's/^$/./' -e 's/^/ /')'
d
}' $here/copyright.in >"$work/copyright"
put "$work/copyright" $doc/copyright
{
  echo "sonolamp ($version) unstable; urgency=medium"
  echo
  echo "  * What is new stands in CHANGELOG.md.gz, beside this file."
  echo
  echo " -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
} >"$work/changelog"
put "$work/changelog" $doc/changelog
put CHANGELOG.md $doc/CHANGELOG.md
gzip -9n "$root/$doc/changelog" "$root/$doc/CHANGELOG.md"

# Manual and completions, which the program writes itself.
manual=$work/manual
mkdir "$manual"
run=("${SONOLAMP_HOST:-$root/usr/bin/sonolamp}")
if [ -z "${SONOLAMP_HOST:-}" ] && [ "$arch" != "$(dpkg --print-architecture)" ]; then
  run=("$qemu" "${run[@]}")
  # Where the foreign C library is only that of the cross compiler.
  [ "$arch" != arm64 ] || [ -e /lib/ld-linux-aarch64.so.1 ] || run=("$qemu" -L /usr/aarch64-linux-gnu "${run[@]:1}")
fi
if timeout 120 "${run[@]}" manual "$manual" >/dev/null 2>"$work/manual.err"; then
  while IFS= read -r -d '' file; do
    case ${file##*/} in
      *.1) put "$file" "usr/share/man/man1/${file##*/}"; gzip -9n "$root/usr/share/man/man1/${file##*/}" ;;
      _sonolamp) put "$file" usr/share/zsh/vendor-completions/_sonolamp ;;
      *.fish) put "$file" usr/share/fish/vendor_completions.d/sonolamp.fish ;;
      sonolamp.bash | sonolamp) put "$file" usr/share/bash-completion/completions/sonolamp ;;
    esac
  done < <(find "$manual" -type f -print0)
else
  echo "deploy/package/build.sh: no manual and no completions: \`${run[*]} manual\` failed: $(head -n 1 "$work/manual.err")" >&2
fi

mkdir -p "$root/DEBIAN"
for script in postinst prerm postrm; do install -m 755 "$here/maintainer/$script" "$root/DEBIAN/$script"; done
echo /etc/sonolamp/sonolamp.toml >"$root/DEBIAN/conffiles"
(cd "$root" && find . \( -path ./DEBIAN -o -path ./etc \) -prune -o -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
size=$(find "$root" -path "$root/DEBIAN" -prune -o -type f -printf '%s\n' | awk '{ kb += int(($1 + 1023) / 1024) } END { print kb }')
cat >"$root/DEBIAN/control" <<END
Package: sonolamp
Version: $version
Architecture: $arch
Maintainer: $maintainer
Installed-Size: $size
Depends: $depends
Recommends: udev
Suggests: ffmpeg, polkitd | policykit-1, v4l-utils
Section: science
Priority: optional
Description: offline point-of-care ultrasound screening
 Takes frames of an ultrasound machine from a video grabber or a camera,
 judges them with a quantized network, and says refer, clear or ungradable on
 a terminal dashboard, on lamps and on a small panel. It needs no network.
 .
 Decision support for research and training. Not a medical device.
END
find "$root" -newermt "@$SOURCE_DATE_EPOCH" -print0 | xargs -0r touch -h -d "@$SOURCE_DATE_EPOCH"
mkdir -p "$out"
dpkg-deb --build --root-owner-group -Zxz "$root" "$out/sonolamp_${version}_$arch.deb" >&2
echo "$out/sonolamp_${version}_$arch.deb"

#!/bin/bash
# The package's files as a tarball, for a Linux with systemd and without dpkg, and prints its path:
#
#   deploy/package/tarball.sh PACKAGE.deb OUT_FOLDER
#
# There: tar -xzf sonolamp-VERSION-ARCH.tar.gz && sudo sonolamp-VERSION-ARCH/install.sh
# Where dpkg is, take the package: it knows what it has installed, and what its owner has changed.
set -euo pipefail

package=$(realpath "${1:?deploy/package/tarball.sh PACKAGE.deb OUT_FOLDER}")
out=$(realpath "${2:?deploy/package/tarball.sh PACKAGE.deb OUT_FOLDER}")
cd "$(dirname "$0")"
name="sonolamp-$(dpkg-deb -f "$package" Version)-$(dpkg-deb -f "$package" Architecture)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/$name"
dpkg-deb -x "$package" "$work/$name/files"
install -m 755 install.sh "$work/$name/install.sh"
time=$(stat -c %Y "$work/$name/files/usr/bin/sonolamp")
mkdir -p "$out"
tar -C "$work" --owner root:0 --group root:0 --sort name --mtime "@$time" -cf - "$name" | gzip -9n >"$out/$name.tar.gz"
echo "$out/$name.tar.gz"

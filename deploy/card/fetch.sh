#!/bin/sh
# Fetches what is unpacked and not installed, into ROOT/debs: called by build.sh as a hook of
# mmdebstrap, with the root and the packages. A kernel is named by what linux-image-arm64 depends on.
set -eu
root=$1
shift
mkdir -p "$root/debs"
for package in "$@"; do
  [ "$package" != linux-image-arm64 ] ||
    package=$(chroot "$root" apt-cache show "$package" | sed -n 's/^Depends: \(linux-image-[^ :,]*\).*/\1/p' | head -n 1)
  chroot "$root" sh -c "cd /debs && apt-get download -q $package"
done

#!/bin/bash
# Installs, upgrades, removes and purges a package in fresh roots of Debian, and says PASS or FAIL:
#
#   deploy/package/test.sh PACKAGE.deb [SUITE...]
#
# SUITE  releases of Debian; by default bookworm, which Raspberry Pi OS 12 is made of (arm64; its own kernel
#        and its packages are not in this root), and bullseye, which has the C library of JetPack 5, for
#        a package that can run there
#
# The root has the package's architecture; arm64 on x86-64 runs under qemu-user. No service is started in
# it: tests/service/run.sh does that. Needs root, mmdebstrap, for arm64 also qemu-user-static and
# binfmt-support, and Debian's archive; fresh roots are kept as tar files for the next time. lintian, where
# it is there, looks at the package too.
# shellcheck disable=SC2016,SC2317 # texts for shells inside; functions that `check` calls
set -euo pipefail

package=$(realpath "${1:?deploy/package/test.sh PACKAGE.deb [SUITE...]}")
shift
cd "$(dirname "$0")/../.."
arch=$(dpkg-deb -f "$package" Architecture)
version=$(dpkg-deb -f "$package" Version)
libc=$(dpkg-deb -f "$package" Depends | sed -n 's/.*libc6 (>= \([0-9.]*\)).*/\1/p')
suites=("$@")
if [ $# = 0 ]; then
  suites=(bookworm)
  dpkg --compare-versions "$libc" gt 2.31 || suites+=(bullseye)
fi
cache="${XDG_CACHE_HOME:-$HOME/.cache}/sonolamp/package-roots"
work=$(mktemp -d)
root=none
leave_root() {
  for inside in proc dev/null dev/urandom; do
    umount "$root/$inside" 2>/dev/null || true
  done
  [ "$root" = none ] || rm -rf --one-file-system "$root"
}
trap 'leave_root; rm -rf --one-file-system "$work"' EXIT

failed=0
pass() { echo "PASS $suite $arch: $1"; }
fail() {
  echo "FAIL $suite $arch: $1"
  failed=1
  [ ! -s "$work/out" ] || tail -n 8 "$work/out" | cut -c -200 | sed 's/^/     /'
}
check() { # WHAT COMMAND...: PASS if the command succeeds; what it says is in `out`, and then in `last`
  local what=$1
  shift
  mv "$work/out" "$work/last" 2>/dev/null || true
  if "$@" >"$work/out" 2>&1; then pass "$what"; else fail "$what"; fi
}
here() { DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 timeout 300 chroot "$root" "$@"; }
as_user() { here setpriv --reuid sonolamp --regid sonolamp --init-groups -- env HOME=/var/lib/sonolamp "$@"; }
there() { # PATH...
  for path in "$@"; do
    if [ ! -e "$root/$path" ]; then echo "$path is missing"; return 1; fi
  done
}
gone() { # PATH...
  for path in "$@"; do
    if [ -e "$root/$path" ] || [ -L "$root/$path" ]; then echo "$path is there"; return 1; fi
  done
}
state_of() { # PATH: mode and owner, as the root names them
  here stat -c '%a %U:%G' "$1"
}
is() { # GOT WANTED
  echo "$1, not $2"
  [ "$1" = "$2" ]
}

# An older version of the same, whose configuration has one line more.
older=$work/older.deb
dpkg-deb -R "$package" "$work/older"
sed -i 's/^Version: .*/Version: 0.0.1~older/' "$work/older/DEBIAN/control"
echo '# a line of the older version' >>"$work/older/etc/sonolamp/sonolamp.toml"
echo 'older' >"$work/older/usr/share/sonolamp/gone-in-the-new-one"
dpkg-deb --build --root-owner-group -Znone "$work/older" "$older" >/dev/null
rm -rf "$work/older"

tarball=$(deploy/package/tarball.sh "$package" "$work")

suite=any
if command -v lintian >/dev/null; then
  # The maintainer has no address; deb-systemd-invoke knows no patterns and no modules-load.
  check "lintian has nothing to say" lintian --no-cfg --allow-root --fail-on warning --suppress-tags \
    bogus-mail-host,bogus-mail-host-in-debian-changelog,maintainer-script-calls-systemctl "$package"
else
  echo "SKIP $suite $arch: lintian is not installed"
fi

for suite in "${suites[@]}"; do
  tar=$cache/$suite-$arch.tar
  if [ ! -e "$tar" ]; then
    echo "test: making a root of $suite for $arch" >&2
    mkdir -p "$cache"
    mmdebstrap --quiet --variant=minbase --architectures="$arch" --include=systemd,systemd-sysv,udev \
      --aptopt='Acquire::Check-Valid-Until "false"' \
      --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
      "$suite" "$cache/part.tar" "deb http://deb.debian.org/debian $suite main" >&2
    mv "$cache/part.tar" "$tar"
  fi
  root=$work/$suite
  mkdir "$root"
  tar -C "$root" --exclude './dev/*' -xf "$tar"
  mount -t proc proc "$root/proc"
  for device in null urandom; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  # From here on documents are installed too.
  rm -f "$root/etc/dpkg/dpkg.cfg.d/"*mmdebstrap*
  cp "$package" "$root/new.deb"
  cp "$older" "$root/older.deb"
  conf=etc/sonolamp/sonolamp.toml
  wants=etc/systemd/system/multi-user.target.wants/sonolamp.service

  check "installs the older version" here dpkg -i /older.deb
  check "files are there" there usr/bin/sonolamp $conf usr/lib/systemd/system/sonolamp.service \
    usr/lib/systemd/system/sonolamp.service.d/10-common.conf usr/lib/udev/rules.d/60-sonolamp.rules
  check "switched on for the next start" test -L "$root/$wants"
  check "user in its groups" is "$(here id -nG sonolamp | tr ' ' '\n' | sort | xargs)" "gpio i2c sonolamp spi video"
  check "no log-in for the user" is "$(here getent passwd sonolamp | cut -d : -f 7)" /usr/sbin/nologin
  check "state is the user's" is "$(state_of /var/lib/sonolamp)" "750 sonolamp:sonolamp"
  check "exams are for the user alone" is "$(state_of /var/lib/sonolamp/exams)" "700 sonolamp:sonolamp"
  check "configuration belongs to root" is "$(state_of /$conf)" "644 root:root"
  check "what dpkg has installed is what it has on record" is "$(here dpkg -V sonolamp)" ""

  echo '# a line of the clinic' >>"$root/$conf"
  here touch /var/lib/sonolamp/exams/kept.envelope
  here systemctl -q disable sonolamp.service
  check "upgrades to $version" here dpkg --force-confold -i /new.deb
  check "a changed configuration is kept" grep -q 'a line of the clinic' "$root/$conf"
  check "and the new one lies beside it" there $conf.dpkg-dist
  check "what the new one lacks is gone" gone usr/share/sonolamp/gone-in-the-new-one
  check "what the owner has switched off stays off" gone $wants
  here systemctl -q enable sonolamp.service
  check "the same version again" here dpkg --force-confold -i /new.deb
  check "stays switched on" test -L "$root/$wants"

  check "the program runs" as_user sonolamp --version
  check "names its version" grep -qw "sonolamp ${version%%[-~+]*}" "$work/last"
  # Without cameras, GPIO and a real clock it has things to say, and says them as JSON.
  as_user sonolamp doctor --json --config /$conf >"$work/doctor" 2>"$work/out" || true
  check "doctor speaks JSON as the user" python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$work/doctor"
  check "judges a phantom as the user" as_user sonolamp screen --json --phantom-seconds 3 'phantom:lung-blines?seed=8&fps=8&size=320x240'
  check "and refers it" grep -q '"verdict":"refer"' "$work/last"
  check "verifies the bundles beside the built-in one" here sh -c 'for b in /usr/share/sonolamp/models/*; do sonolamp bundle verify $b || exit; done'
  manual=usr/share/man/man1/sonolamp.1.gz
  dpkg-deb -c "$package" >"$work/contents"
  if grep -q "$manual" "$work/contents"; then
    check "manual and completions are there" there $manual usr/share/bash-completion/completions/sonolamp \
      usr/share/zsh/vendor-completions/_sonolamp usr/share/fish/vendor_completions.d/sonolamp.fish
  else
    echo "SKIP $suite $arch: the package has no manual"
  fi

  # The root's own systemd-analyze, since settings differ between releases.
  at=/usr/lib/systemd/system
  ln -sf sonolamp-dashboard@.service "$root$at/sonolamp-dashboard@tty1.service"
  ln -sf sonolamp-retry@.service "$root$at/sonolamp-retry@sonolamp.service"
  if [ "$(here systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p')" -ge 250 ]; then
    check "systemd-analyze verify" here systemd-analyze verify --man=no "$at/sonolamp.service" \
      "$at/sonolamp-dashboard@tty1.service" "$at/sonolamp-retry@sonolamp.service"
    check "has nothing to say of them" sh -c '! grep sonolamp "$1"' sh "$work/last"
    for unit in sonolamp sonolamp-dashboard@tty1; do
      here systemd-analyze security --offline=true --no-pager "$at/$unit.service" >"$work/security" 2>&1 || true
      figure=$(sed -n 's/.*Overall exposure level for.*: \([0-9.]*\) .*/\1/p' "$work/security")
      check "systemd-analyze security of $unit: ${figure:-none}, at most 3.0" awk "BEGIN { exit !(${figure:-9} <= 3.0) }"
    done
  else
    echo "SKIP $suite $arch: this systemd-analyze needs a systemd that runs"
  fi
  rm "$root$at/sonolamp-dashboard@tty1.service" "$root$at/sonolamp-retry@sonolamp.service"

  check "is removed" here dpkg -r sonolamp
  check "and gone" gone usr/bin/sonolamp usr/lib/systemd/system/sonolamp.service usr/share/sonolamp
  check "configuration and state stay" there $conf var/lib/sonolamp/exams/kept.envelope
  check "installs again" here dpkg -i /new.deb
  check "with the clinic's configuration" grep -q 'a line of the clinic' "$root/$conf"
  here systemctl -q enable sonolamp-dashboard@tty1.service
  here mkdir -p /var/lib/sonolamp/bundles
  echo key >"$root/etc/sonolamp/clinic.pub"
  check "is purged" here dpkg -P sonolamp
  check "which says that exams stay, and how to erase them" grep -q 'rm -rf /var/lib/sonolamp' "$work/last"
  check "exams stay, and the clinic's own files" there var/lib/sonolamp/exams/kept.envelope etc/sonolamp/clinic.pub
  check "all else is gone" gone $conf var/lib/sonolamp/bundles $wants usr/bin/sonolamp
  check "and no console waits for its dashboard" is "$(find "$root/etc/systemd" -name '*sonolamp*')" ""
  here rm /var/lib/sonolamp/exams/kept.envelope /etc/sonolamp/clinic.pub
  here dpkg -i /new.deb >/dev/null 2>&1 || true
  here dpkg -P sonolamp >/dev/null 2>&1 || true
  check "without exams, purging leaves nothing" gone etc/sonolamp var/lib/sonolamp $wants

  name=$(basename "$tarball" .tar.gz)
  tar -C "$root" --no-same-owner -xzf "$tarball"
  check "the tarball installs" here "/$name/install.sh"
  check "and runs" as_user sonolamp --version
  echo '# a line of the clinic' >>"$root/$conf"
  check "the tarball again" here "/$name/install.sh"
  check "a changed configuration is kept" grep -q 'a line of the clinic' "$root/$conf"
  check "the tarball is taken away again" here "/$name/install.sh" remove
  check "and gone" is "$(cd "$root" && find usr -name '*sonolamp*' | sort | xargs)" ""
  check "configuration and state stay" there $conf var/lib/sonolamp/exams
  leave_root
done
exit $failed

#!/bin/sh
# Installs the files beside it, or takes them away again:
#
#   sudo ./install.sh [remove]
#
# The configuration that is there stays, and so does all state: exams are patients' data. The C library
# must be new enough: the program says so if it is not.
set -eu
cd "$(dirname "$0")/files"

[ "$(id -u)" -eq 0 ] || { echo "install.sh: this takes root: sudo $0" >&2; exit 1; }
conf=etc/sonolamp/sonolamp.toml
manages() { [ -d /run/systemd/system ]; }

if [ "${1:-}" = remove ]; then
  ! manages || systemctl stop 'sonolamp-retry@*.service' 'sonolamp-dashboard@*.service' || true
  ! manages || systemctl disable --now sonolamp-dashboard@.service sonolamp.service || true
  find . -type f ! -path "./$conf" | while IFS= read -r file; do rm -f "/$file"; done
  rm -rf /usr/share/sonolamp /usr/share/doc/sonolamp
  rmdir /usr/lib/systemd/system/sonolamp.service.d /usr/lib/systemd/system/sonolamp-dashboard@.service.d 2>/dev/null || true
  ! manages || systemctl daemon-reload
  echo "install.sh: removed; /etc/sonolamp and /var/lib/sonolamp stay"
  exit
fi

usr/bin/sonolamp --version
first=yes
[ ! -e /usr/lib/systemd/system/sonolamp.service ] || first=""
find . -type f ! -path "./$conf" | while IFS= read -r file; do
  mode=644
  [ ! -x "$file" ] || mode=755
  # Beside it first: a program that runs cannot be written over.
  install -D -m "$mode" "$file" "/$file.new"
  mv "/$file.new" "/$file"
done
[ -e "/$conf" ] || install -D -m 644 "$conf" "/$conf"
systemd-sysusers sonolamp.conf
systemd-tmpfiles --create sonolamp.conf
if manages; then
  udevadm control --reload || true
  for subsystem in gpio i2c-dev spidev; do udevadm trigger --subsystem-match="$subsystem" || true; done
  systemctl daemon-reload
  systemctl start systemd-modules-load.service || true
  if [ -n "$first" ]; then
    systemctl enable sonolamp.service
    systemctl restart sonolamp.service
  else # What the owner has switched off, or put in its place, stays so.
    systemctl try-restart sonolamp.service 'sonolamp-dashboard@*.service'
  fi
fi
echo "install.sh: set the camera and the lamps in /$conf; until then nothing is screened"

#!/bin/sh
# Before the service starts: the store is checked, and every exam of it is named on the serial line.
store=/var/lib/sonolamp/exams
echo "CUTS up $(cut -d ' ' -f 1 /proc/uptime) slot $(tr ' ' '\n' </proc/cmdline | sed -n 's/^sonolamp.slot=//p')"
grep -q ' /data ext4 rw' /proc/mounts || echo "CUTS bad: the data partition is not mounted"
if [ -d $store ] && [ -n "$(ls $store)" ]; then
  setpriv --reuid sonolamp --regid sonolamp --clear-groups sonolamp exam check --store $store 2>&1 | sed 's/^/CUTS check: /'
  for file in "$store"/*.envelope; do
    [ ! -e "$file" ] || echo "CUTS there $(basename "$file" .envelope)"
  done
else
  echo "CUTS check: no store yet"
fi

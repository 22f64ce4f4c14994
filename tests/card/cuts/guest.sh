#!/bin/sh
# Keeps exams until the power goes, and names each that is acknowledged on the serial line; with a plan to
# update, an update is installed meanwhile.
out=/run/card-test/out
lines=$(cat /run/card-test/lines)
says() { tail -n 1 $out 2>/dev/null | grep -q "$1"; }
await() { # TEXT
  tries=300
  until says "$1"; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { echo "CUTS bad: no $1 in: $(tail -n 1 $out | cut -c -300)"; return 1; }
    sleep 0.2
  done
}
press() {
  echo pull-down >"$lines/sim_gpio$1/pull"
  sleep 0.3
  echo pull-up >"$lines/sim_gpio$1/pull"
  sleep 0.3
}
# For replay.py: in the log of writes too, past the cache and without a flush.
page=8
mark() {
  printf 'SONOMARK %s' "$*" | dd of=/dev/vda bs=4096 seek=$page conv=notrunc,sync oflag=direct 2>/dev/null ||
    echo "CUTS bad: no mark"
  page=$((page + 1))
  [ $page -lt 250 ] || page=8
}
tries=600
until [ "$(systemctl is-active sonolamp.service)" = active ]; do
  tries=$((tries - 1))
  [ $tries -gt 0 ] || { echo "CUTS bad: the service is $(systemctl is-active sonolamp.service)"; exit 1; }
  sleep 0.5
done
await '"fault":null' || exit 1
echo "CUTS ready $(cut -d ' ' -f 1 /proc/uptime)"
if [ "$(cat /run/card-test/plan)" = update ]; then
  mkdir -p /run/card-test/disk
  mount -o ro /dev/disk/by-label/SONOTEST /run/card-test/disk
  (
    echo "CUTS update begins"
    sonolamp-update /run/card-test/disk/stick 2>&1 | sed 's/^/CUTS update: /'
    sync
    echo "CUTS update ends"
  ) &
fi
known=" $(ls /var/lib/sonolamp/exams) "
for file in /var/lib/sonolamp/exams/*.envelope; do
  [ ! -e "$file" ] || mark kept "$(basename "$file" .envelope)"
done
while :; do
  press 5
  await '"keeping":"kept"' || exit 1
  for file in /var/lib/sonolamp/exams/*.envelope; do
    case $known in *"${file##*/}"*) continue ;; esac
    known="$known ${file##*/}"
    mark kept "$(basename "$file" .envelope)"
    echo "CUTS kept $(basename "$file" .envelope)"
  done
  press 4
  await '"state":"ended"' || exit 1
  press 4
  await '"keeping":"recording"' || exit 1
  sleep 1
done

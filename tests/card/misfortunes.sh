#!/bin/bash
# Misfortunes in the real card image on the virtual board: a panic, an inference that never returns (systemd's
# watchdog), memory that runs out, a full disk, a broken configuration, a disk that fails and is repaired at
# the next start. PASS or FAIL of each.
#
#   tests/card/misfortunes.sh IMAGE PROGRAM [OUT_FOLDER]
#
# PROGRAM is one for this machine. The service runs without its screen; camera and lamp lines are simulated.
# Some ten minutes on two cores. Needs what cuts.sh needs.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: tests/card/misfortunes.sh IMAGE PROGRAM [OUT_FOLDER]" >&2; exit 2; }
image=$(realpath "$1") program=$(realpath "$2") out=${3:-}
work=$(mktemp -d)
[ -n "$out" ] || out=$work/out
mkdir -p "$out"
out=$(realpath "$out")
cd "$(dirname "$0")/../.."
# shellcheck source=tests/card/launch.sh
. tests/card/launch.sh

failed=0
new_card
for plan in misfortunes repaired; do
  test_disk $plan
  start $plan
  wait_for '^BOARD .* done' 1500 || true
  tr -d '\r' <"$log" | grep -aE '^(PASS|FAIL|BOARD|     )|sonolamp: ' || true
  grep -aq '^BOARD .* done, failed=0' "$log" || failed=1
  # It switches itself off.
  left=120
  while kill -0 "$emulator" 2>/dev/null && [ $left -gt 0 ]; do sleep 0.5; left=$((left - 1)); done
  off
  mv "$work/now" "$work/card"
done
[ $failed = 0 ] || { echo "misfortunes: a step failed ($out)" >&2; exit 1; }

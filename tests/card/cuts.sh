#!/bin/bash
# Cuts the power of the real card image on the virtual board at random moments, again and again, and looks
# whether the next start is a good one.
#
#   tests/card/cuts.sh IMAGE PROGRAM [CUTS [OUT_FOLDER [STICK_FOLDER]]]
#
# PROGRAM       one for this machine
# STICK_FOLDER  an update (deploy/update) that the image takes; without it no update is cut
# SEED          in the environment: other moments
# KEEP=1        in the environment: OUT_FOLDER gets run.card and run.writes, the log of a start with exams, and
#               update.card and update.writes, that of a whole update, for replay.py
#
# A cut is a kill of qemu, whose card logs its writes: what no flush had made safe is then lost, whole or in
# part, as replay.py draws it. CUTS cuts fall while it runs and keeps exams (with STICK_FOLDER a third of
# them into an update), a third as many more into a start, half of these or more into a card's very first. A
# start is good when U-Boot and the initrd find a slot, the data partition is mounted, `exam check` finds no damage,
# every exam is there that was ever acknowledged on the serial line, and the service screens again.
# U-Boot, kernel, initrd and root are the image's. The service runs without its screen, camera and lamp lines are
# simulated (tests/card/cuts/).
# About a minute a start on two cores. Needs what boot.sh needs, dosfstools and mtools.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: tests/card/cuts.sh IMAGE PROGRAM [CUTS [OUT_FOLDER [STICK_FOLDER]]]" >&2; exit 2; }
keep=${KEEP:-}
image=$(realpath "$1") program=$(realpath "$2") cuts=${3:-30} out=${4:-} stick=${5:-}
work=$(mktemp -d)
[ -n "$out" ] || out=$work/out
mkdir -p "$out"
out=$(realpath "$out")
[ -z "$stick" ] || stick=$(realpath "$stick")
cd "$(dirname "$0")/../.."
# shellcheck source=tests/card/launch.sh
. tests/card/launch.sh
RANDOM=${SEED:-1}
test_disk run
[ -z "$stick" ] || test_disk update "$stick"

cut() { # takes the power away, and what the card had not made safe
  off
  tr -d '\r' <"$log" | sed -n 's/^CUTS kept //p' >>"$work/kept"
  left=$(tests/card/replay.py "$work/writes" "$work/card" --after "$work/next" --seed "${SEED:-1}$number" \
    --work "$work")
  mv "$work/next" "$work/card"
}
# is_good: whether this start is a good one; `why` not.
is_good() {
  wait_for '^CUTS (ready|bad)' 400 || { why="it did not come up"; return 1; }
  tr -d '\r' <"$log" >"$work/log"
  why=$(sed -n 's/^CUTS bad: //p' "$work/log" | head -n 1)
  [ -z "$why" ] || return 1
  grep -aqE '^CUTS check: ([0-9]+ exams, 0 damaged|no store yet)$' "$work/log" ||
    { why="the store's check: $(sed -n 's/^CUTS check: //p' "$work/log" | tail -n 1)"; return 1; }
  sed -n 's/^CUTS there //p' "$work/log" | sort >"$work/there"
  why=$(sort "$work/kept" | comm -23 - "$work/there" | head -n 3 | xargs)
  [ -z "$why" ] || { why="acknowledged and missing: $why"; return 1; }
}

good=0 failed=0 early=0 running=0 updating=0 ready=40 left=none
new_card
for ((n = 0; n <= cuts; n++)); do
  if [ $((n % 3)) = 0 ] && [ $n -lt "$cuts" ]; then
    # Somewhere before it screens; every other time, with updates every time, on a card that has never
    # been started.
    if [ -n "$stick" ] || [ $((n % 6)) = 0 ]; then new_card; fi
    start run
    sleep "$((RANDOM % ready)).$((RANDOM % 10))"
    cut
    early=$((early + 1))
    echo "cut   start $number on its way ($(tail -n 1 "$log" | tr -dc '[:print:]' | cut -c -60)); $left"
  fi
  plan=run
  [ -z "$stick" ] || [ $((n % 3)) != 2 ] || plan=update
  before=$left began=$SECONDS
  start $plan
  if is_good; then
    good=$((good + 1)) ready=$((SECONDS - began))
    slot=$(sed -n 's/^CUTS up [0-9.]* //p' "$work/log")
    echo "GOOD  start $number in $ready s, $slot; exams acknowledged $(wc -l <"$work/kept"), there $(wc -l <"$work/there")"
  else
    failed=$((failed + 1))
    echo "FAIL  start $number: $why (cut before it: $before; $log)"
  fi
  [ $n -lt "$cuts" ] || break
  if [ $plan = update ]; then
    wait_for '^CUTS update begins' 60 || true
    if [ -n "$keep" ] && [ $n -lt 3 ]; then
      wait_for '^CUTS update ends' 400 || true
    else
      sleep "$((RANDOM % 90)).$((RANDOM % 10))"
    fi
    updating=$((updating + 1))
  else
    sleep "$((RANDOM % 20)).$((RANDOM % 10))"
    running=$((running + 1))
  fi
  if [ -n "$keep" ] && [ $n -lt 3 ]; then
    off
    cp --sparse=always "$work/card" "$out/$plan.card"
    cp --sparse=always "$work/writes" "$out/$plan.writes"
  fi
  cut
  echo "cut   start $number while ${plan/run/running}; $left"
done
off
echo "cuts: $early while starting, $running while running, $updating while updating; $good good starts of $((good + failed))"
[ $failed = 0 ] && [ $good -gt "$cuts" ]

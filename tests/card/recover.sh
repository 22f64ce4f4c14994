#!/bin/bash
# It comes back: exams are kept on the virtual board while every write is logged, and power cuts are made from
# the log (replay.py). Then, so that this test is known to be able to fail, the same with a card that forgets a
# flush and with a kernel that never flushes: both must be found to lose something.
#
#   tests/card/recover.sh PROGRAM HOST_PROGRAM [CUTS [EXAMS [OUT]]]
#
# PROGRAM is an aarch64 program, HOST_PROGRAM one for this machine. 100 cuts of 3 exams (default) take some five
# minutes on two cores, 1000 of 12 half an hour. Needs what record.sh needs.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: tests/card/recover.sh PROGRAM HOST_PROGRAM [CUTS [EXAMS [OUT]]]" >&2; exit 2; }
program=$(realpath "$1") host=$(realpath "$2") cuts=${3:-100} exams=${4:-3} out=${5:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "${out:=$work}"
out=$(realpath "$out")
cd "$(dirname "$0")/../.."
replay() { # LOG_FOLDER ARGUMENT...
  local folder=$1
  shift
  tests/card/replay.py "$folder/log" "$folder/card" --program "$host" --key "$folder/clinic.key" "$@"
}
loses() { # WHAT LOG_FOLDER ARGUMENT...
  local what=$1
  shift
  if replay "$@" >"$out/loses"; then
    echo "FAIL  $what: no loss was found"
    exit 1
  fi
  grep '^FAIL' "$out/loses" >/dev/null || { cat "$out/loses"; exit 1; }
  echo "PASS  $what is found out:"
  sed -n 's/^FAIL/     /p' "$out/loses"
}
tests/card/record.sh "$out/recorded" "$program" "$host" exams "exams=$exams"
replay "$out/recorded" --cuts "$cuts"
loses "a card that forgets a flush" "$out/recorded" --cuts "$((cuts / 2))" --lie 1
tests/card/record.sh "$out/nobarrier" "$program" "$host" exams exams=3 with=barrier=0
loses "a kernel that never flushes" "$out/nobarrier" --cuts "$((cuts / 2))"

# What the scripts of updates share: the two slots, as U-Boot and the boot partition know them. Sourced.
#
# ab.env on the boot partition: the order, and the tries that are left of each slot; U-Boot's boot.scr
# takes one at every start. A slot's folder A/ or B/: vmlinuz, initrd, slot.env (without it the slot is
# not started), and good, the root hash with which the slot was found good.
#
# SONOLAMP_BOOT, SONOLAMP_STATE, SONOLAMP_RUN, SONOLAMP_CMDLINE   other places, for tests
# shellcheck shell=sh
boot=${SONOLAMP_BOOT:-/boot}
state=${SONOLAMP_STATE:-/var/lib/rauc}
run=${SONOLAMP_RUN:-/run/sonolamp-update}
tries=3
real=1 # the box and not a test
[ -z "${SONOLAMP_BOOT:-}" ] || real=""

value() { sed -n "s/^$1=//p" "$2" 2>/dev/null | tr -d '\r\0' | head -n 1; } # KEY FILE
running() { tr ' ' '\n' <"${SONOLAMP_CMDLINE:-/proc/cmdline}" | sed -n 's/^sonolamp\.slot=\([AB]\)$/\1/p'; }
other() { case $1 in A) echo B ;; B) echo A ;; esac; } # SLOT
version() { value VERSION "$boot/$1/slot.env"; } # SLOT

# The counters; what cannot be read is what U-Boot takes it for.
order() {
  case $(value BOOT_ORDER "$boot/ab.env") in "B A") echo "B A" ;; *) echo "A B" ;; esac
}
left() { # SLOT
  case $(value BOOT_ORDER "$boot/ab.env") in "A B" | "B A") ;; *) echo $tries; return ;; esac
  case $(value "BOOT_$1_LEFT" "$boot/ab.env") in [1-9]) value "BOOT_$1_LEFT" "$boot/ab.env" ;; *) echo 0 ;; esac
}

whole() { # SLOT: whether it can be started
  [ -s "$boot/$1/slot.env" ] && [ -s "$boot/$1/vmlinuz" ] && [ -s "$boot/$1/initrd" ]
}
confirmed() { # SLOT: whether it was found good
  whole "$1" && [ -n "$(value ROOT_HASH "$boot/$1/slot.env")" ] &&
    [ "$(cat "$boot/$1/good" 2>/dev/null)" = "$(value ROOT_HASH "$boot/$1/slot.env")" ]
}
awaits() { # SLOT: whether its turn comes next, on trial
  whole "$1" && ! confirmed "$1" && [ "$(order | cut -c 1)" = "$1" ] && [ "$(left "$1")" -gt 0 ]
}

# writing COMMAND...: with the boot partition writable, one at a time; on the medium when it returns. (No
# `set -e` counts in COMMAND where its end is asked for: it joins its steps with &&.)
writing() {
  (
    flock 9
    if [ -n "$real" ]; then
      mount -o remount,rw "$boot" || exit 1
      trap 'sync; mount -o remount,ro "$boot"' EXIT
    fi
    "$@" && sync
  ) 9>"$run.lock"
}

# Always 44 bytes and in place: one sector is written, and nothing of the file's chain or name, so that
# whenever the power goes there is the old text or the new one.
put_counts() { # ORDER A_LEFT B_LEFT
  printf 'BOOT_A_LEFT=%s\nBOOT_B_LEFT=%s\nBOOT_ORDER=%s\n\0' "$2" "$3" "$1" |
    dd of="$boot/ab.env" conv=notrunc,fsync 2>/dev/null
}
put_left() { # SLOT TRIES
  case $1 in A) put_counts "$(order)" "$2" "$(left B)" ;; B) put_counts "$(order)" "$(left A)" "$2" ;; esac
}
put_first() { # SLOT: it is started next, with all its tries
  case $1 in A) put_counts "A B" "$tries" "$(left B)" ;; B) put_counts "B A" "$(left A)" "$tries" ;; esac
}

# The oldest version that this box takes: the highest that was ever found good here, at least the one
# that runs.
floor() {
  { head -n 1 "$state/highest" 2>/dev/null || true; version "$(running)"; } | grep . | sort -V | tail -n 1
}
# What a box must prove with a new version or a new model.
config=/etc/sonolamp/sonolamp.toml
minute=${SONOLAMP_MINUTE:-60} patience=${SONOLAMP_PATIENCE:-180} # seconds; others in tests
tell() { echo "$1" >"$run/status"; } # for the dashboard
as_program() { setpriv --reuid sonolamp --regid sonolamp --init-groups "$@"; }
restarts() { systemctl show -P NRestarts sonolamp.service; }
state_of() { systemctl show -P ActiveState sonolamp.service; }
# Whether the program starts and runs for a minute without a fault; `why` not.
steady() {
  waited=0
  until [ "$(state_of)" = active ]; do
    waited=$((waited + 1))
    [ $waited -lt "$patience" ] || { why="the program did not start"; return 1; }
    sleep 1
  done
  restarted=$(restarts)
  waited=0
  while [ $waited -lt "$minute" ]; do
    sleep 1
    waited=$((waited + 1))
    if [ "$(state_of)" != active ] || [ "$(restarts)" != "$restarted" ]; then
      why="the program ended within its first minute"
      return 1
    fi
  done
}
self_test() {
  as_program timeout 120 sonolamp doctor --self-test --config "$config" >"$run/self-test" 2>&1 ||
    { why="the self-test failed: $(grep . "$run/self-test" | tail -n 1)"; return 1; }
}

# A model is on trial from before it is installed until it was judged, also when the power went meanwhile. The
# file names what was in use before, or nothing for the built-in one.
trial=$state/model-trial
models=${SONOLAMP_MODELS:-/var/lib/sonolamp/bundles}
current_model() { readlink "$models/current" 2>/dev/null || true; }
# start_again: as if it had never failed.
start_again() {
  systemctl reset-failed sonolamp.service
  systemctl restart sonolamp.service
}
# judge_model: ends the trial; the status is whether the model stays. `words` say so.
judge_model() {
  if steady && self_test; then
    words="passed its test and stays"
    rm -f "$trial" && sync "$state"
    return
  fi
  words="is not kept: $why."
  [ "$(current_model)" = "$(cat "$trial")" ] || as_program sonolamp bundle rollback >"$run/back" 2>&1 ||
    as_program sonolamp bundle rollback --built-in >"$run/back" 2>&1 ||
    words="$words There is no way back: $(grep . "$run/back" | tail -n 1)."
  rm -f "$trial" && sync "$state"
  start_again
  words="$words In use is $(current_model | grep . || echo the built-in one)."
  return 1
}

is_version() { case $1 in [0-9]*) ;; *) return 1 ;; esac; case $1 in *[!0-9A-Za-z.+~-]*) return 1 ;; esac; }
older() { # VERSION THAN
  [ "$1" != "$2" ] && [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

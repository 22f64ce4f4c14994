#!/bin/sh
# Inside the card's system on the virtual board: goes through the updates that must fail and the one that
# must not, over many starts, and says PASS or FAIL on the serial line. Started by the test disk's hook. A line
# HOST asks update.sh for something.
# shellcheck disable=SC2086,SC2231,SC2046,SC2154 # paths and lists without blanks; what slots.sh sets
set -u
here=/run/update-test
keep=/var/lib/rauc/test
disk=$here/disk
# shellcheck source=/dev/null
. /usr/lib/sonolamp/slots.sh
now() { cut -d ' ' -f 1 /proc/uptime; }
pass() { echo "PASS  $(now) $1"; }
fail() { echo "FAIL  $(now) $1"; }
check() { # WHAT COMMAND...
  what=$1
  shift
  if "$@"; then pass "$what"; else fail "$what"; fi
}
is() { [ "$1" = "$2" ] || { echo "      $1, not $2"; return 1; }; }
keep_as() { echo "$2" >"$keep/$1.new" && sync && mv "$keep/$1.new" "$keep/$1" && sync; }
await() { # SECONDS COMMAND...
  for_s=$1
  shift
  until "$@"; do
    for_s=$((for_s - 1))
    [ "$for_s" -gt 0 ] || return 1
    sleep 1
  done
}
settled() { case $(systemctl show -P ActiveState sonolamp-mark-good.service) in active | failed) ;; *) return 1 ;; esac; }
slots() { # what an update may not have changed: counters, and the other slot's folder
  tr -d '\0' <$boot/ab.env
  (cd "$boot/$other" && stat -c '%n %s %Y' ./* && sha256sum slot.env)
}
counts() { echo "$(left A) $(left B) $(order)"; }
root_of() { sha256sum "/dev/disk/by-partuuid/534f4e4f-0$([ "$1" = A ] && echo 2 || echo 3)" | cut -c -64; }

mkdir -p $keep $disk
await 300 mount -o ro /dev/disk/by-label/SONOTEST $disk 2>/dev/null
await 300 [ -e /dev/disk/by-partuuid/534f4e4f-03 ]
slot=$(running)
other=$(other "$slot")
phase=$(cat $keep/phase 2>/dev/null || echo refuse)
fault=$(cat $keep/fault 2>/dev/null || echo none)
echo "      up at $(now) s: slot $slot, version $(version "$slot"), phase $phase, fault $fault, tries $(counts)"
new=$(cat $disk/new)

refuse() { # STICK COMMAND...
  stick=$1
  [ -d "$stick" ] || return 0
  shift
  before=$(slots)
  code=0
  "$@" >$here/said 2>&1 || code=$?
  if [ $code != 0 ] && { [ "$1" = rauc ] || grep -qE "$(cat "$stick/words")" $here/said; } && [ "$(slots)" = "$before" ]; then
    pass "refused: ${stick##*/}${2:+ ($1)}: $(grep . $here/said | tail -n 1 | cut -c -150)"
  else
    fail "refused: ${stick##*/} ($1): code $code, $([ "$(slots)" = "$before" ] && echo untouched || echo changed): $(tail -n 3 $here/said)"
  fi
}
install_new() { sonolamp-update $disk/good >$here/said 2>&1 && grep -q 'is installed' $here/said; }
flip() { # DEVICE OFFSET
  byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
  # shellcheck disable=SC2059 # an escape, made up
  printf "\\$(printf '%03o' $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc,fsync 2>/dev/null
}
shorten() { truncate -s 100000 $boot/B/initrd; }
noise() { dd if=/dev/urandom of=$boot/B/vmlinuz bs=64k count=4 conv=notrunc 2>/dev/null; }
wrong_hash() { sed -i 's/^ROOT_HASH=..../ROOT_HASH=0123/' $boot/B/slot.env; }
next_fault() { # installs the update for the next fault there is, breaks it, and starts it
  set -- $(cat $keep/faults)
  if [ $# = 0 ]; then
    keep_as phase good
    keep_as fault none
  else
    keep_as phase fault
    keep_as fault "$1"
    fault=$1
    shift
    keep_as faults "$*"
  fi
  began=$(cut -d . -f 1 /proc/uptime)
  check "version $new is installed" install_new
  echo "      in $(($(cut -d . -f 1 /proc/uptime) - began)) s; tries $(counts)"
  [ "$(cat $keep/phase)" = fault ] && case $fault in
    no-kernel) writing rm $boot/B/vmlinuz ;;
    kernel-noise) writing noise ;;
    initrd-cut) writing shorten ;;
    root-flipped) flip /dev/disk/by-partuuid/534f4e4f-03 30000001 ;;
    hash-wrong) writing wrong_hash ;;
  esac
  sync
  systemctl reboot
  sleep 1000
}

case $phase-$slot in
  refuse-A)
    cp $disk/faults $keep/faults
    check "the first version's minute" await 400 settled
    check "slot A was found good, with all its tries" is "$(confirmed A && counts)" "3 3 A B"
    check "its version is the oldest that is taken" is "$(cat $state/highest)" "$(version A)"
    [ "$(cat $disk/only)" != faults ] || next_fault
    known=$(root_of B)
    for stick in $disk/sticks/*; do refuse "$stick" sonolamp-update "$stick"; done
    # Without sonolamp-update's own look.
    for stick in $disk/sticks/older* $disk/sticks/two-versions $disk/sticks/board* $disk/sticks/foreign* $disk/sticks/unsigned \
      $disk/sticks/without* $disk/sticks/kind-plain $disk/sticks/flipped-at*; do
      refuse "$stick" rauc install "$stick/sonolamp-0.2.0.raucb"
    done
    fill() { dd if=/dev/zero of=$boot/full bs=1M 2>/dev/null; true; }
    writing fill
    echo 'no room' >$here/words
    refuse $here sonolamp-update $disk/good
    check "in words" grep -q 'the boot partition has no room' $here/said
    writing rm $boot/full
    check "after all that, slot B's root is what it was" is "$(root_of B)" "$known"

    # A stick in the USB port.
    saying() { grep -q "$1" $run/status 2>/dev/null; }
    : >$run/status
    echo "HOST stick-in old"
    check "a stick with an older version is refused by itself" await 90 saying 'is older'
    sleep 3
    echo "HOST stick-out old"
    sleep 3
    for moment in 'being installed' retired; do
      : >$run/status
      echo "HOST stick-in good"
      if [ "$moment" = retired ]; then retired() { [ ! -e $boot/B/slot.env ]; }; await 200 retired; else await 90 saying "$moment"; fi
      echo 3 >/proc/sys/vm/drop_caches
      echo "HOST stick-out good"
      check "stick pulled ($moment): it says so" await 200 saying 'stick was pulled'
      check "stick pulled ($moment): the running slot's turn stays" is "$(/usr/lib/sonolamp/boot-state get-primary)" A
      if [ "$moment" = retired ]; then
        check "stick pulled ($moment): the other slot is none" is "$(whole B && echo whole || echo none) $(counts)" "none 3 0 A B"
      else
        check "stick pulled ($moment): the other slot is as it was" is "$(root_of B)" "$known"
      fi
      sleep 3
    done
    next_fault
    ;;
  fault-B)
    case $fault in
      power-cut) await 100 [ "$(cut -d . -f 1 /proc/uptime)" -gt 15 ]; sleep 5; echo b >/proc/sysrq-trigger ;;
      panic) sleep 5; echo c >/proc/sysrq-trigger ;;
    esac
    await 400 settled
    sleep 30
    fail "$fault: the version was kept"
    keep_as phase fault
    /usr/lib/sonolamp/boot-state set-primary A
    systemctl reboot
    ;;
  fault-A)
    check "rolled back: $fault: version $(version A) runs again" is "$(version A)" "$(cat $disk/old)"
    check "rolled back: $fault: version $new is not good" is "$(confirmed B && echo good || echo none) $(left B)" "none 0"
    check "$fault: nothing newer was noted" is "$(cat $state/highest)" "$(cat $disk/old)"
    await 400 settled
    check "$fault: the old version keeps its tries" is "$(left A)" 3
    next_fault
    ;;
  good-B)
    check "the good update's minute" await 500 settled
    check "the good update is kept" is "$(confirmed B && counts)" "3 3 B A"
    check "and its version noted" is "$(cat $state/highest)" "$new"
    for stick in $disk/sticks/older* $disk/older-now; do
      refuse "$stick" sonolamp-update "$stick"
      refuse "$stick" rauc install "$stick/sonolamp-0.2.0.raucb"
    done
    keep_as phase stay
    systemctl reboot
    ;;
  stay-B)
    check "and it stays" is "$(version B) $(left B)" "$new 2"
    await 400 settled
    check "with all its tries" is "$(counts)" "3 3 B A"
    echo "UPDATE done"
    systemctl poweroff
    ;;
  *)
    fail "slot $slot in phase $phase"
    journalctl -b --no-pager -u sonolamp-mark-good -u rauc -u sonolamp-update@sda | tail -n 20
    echo "UPDATE done"
    ;;
esac

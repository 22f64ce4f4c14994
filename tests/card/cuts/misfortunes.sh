#!/bin/sh
# Inside the card's own system: misfortunes under systemd, each provoked and each survived; PASS and FAIL on
# the serial line. Started in place of guest.sh by misfortunes.sh (plans: misfortunes, repaired).
out=/run/card-test/out
store=/var/lib/sonolamp/exams
lines=$(cat /run/card-test/lines)
dropin=/run/systemd/system/sonolamp.service.d/95-rehearse.conf
failed=0
pass() { echo "PASS $(cut -d ' ' -f 1 /proc/uptime) $1"; }
fail() { echo "FAIL $(cut -d ' ' -f 1 /proc/uptime) $1"; failed=1; }
note() { echo "     $1"; }
check() { # WHAT COMMAND...
  what=$1
  shift
  if "$@"; then pass "$what"; else fail "$what"; fi
}
eventually() { # WHAT SECONDS COMMAND...
  what=$1 left=$(($2 * 2))
  shift 2
  until "$@"; do
    left=$((left - 1))
    [ $left -gt 0 ] || { fail "$what"; tail -n 1 $out | cut -c -400 | sed 's/^/     /'; return; }
    sleep 0.5
  done
  pass "$what"
}
property() { systemctl show -P "$1" sonolamp.service; }
says() { tail -n 1 $out 2>/dev/null | grep -q "$1"; }
level() { cat "$lines/sim_gpio$1/value"; }
dark() { [ "$(level 0)$(level 1)" = 00 ]; } # no verdict is lit
blinking() { # attention: seen on and off
  seen=""
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    seen="$seen$(level 2)"
    sleep 0.1
  done
  case $seen in *0*1* | *1*0*) ;; *) return 1 ;; esac
}
alarmed() { blinking && dark; }
screens() { [ "$(property ActiveState)" = active ] && says '"fault":null' && ! says '"captured":0,'; }
press() {
  echo pull-down >"$lines/sim_gpio$1/pull"
  sleep 0.3
  echo pull-up >"$lines/sim_gpio$1/pull"
  sleep 0.3
}
keeps() { # WHEN
  press 5
  eventually "$1: an exam is kept" 60 says '"keeping":"kept"'
}
whole() {
  systemctl stop sonolamp.service
  setpriv --reuid sonolamp --regid sonolamp --clear-groups sonolamp exam check --store $store >/run/check 2>&1
  note "store: $(tail -n 1 /run/check)"
  grep -q '^[1-9][0-9]* exams, 0 damaged$' /run/check
}
again() { # the service as it was meant
  rm -f $dropin
  systemctl daemon-reload
  systemctl reset-failed sonolamp.service 2>/dev/null
  systemctl restart sonolamp.service
}
ended() { [ "$(property NRestarts)" != "$before" ]; }
# rehearse WHAT REASON: it goes wrong after ten seconds; systemd starts it anew, and it screens.
rehearse() {
  cat >$dropin <<END
[Service]
Environment=SONOLAMP_REHEARSE=1
ExecStart=
ExecStart=/usr/bin/sonolamp run --headless --json --safe --config /etc/sonolamp/sonolamp.toml --rehearse $1:10
END
  systemctl daemon-reload
  before=$(property NRestarts)
  systemctl restart sonolamp.service
  eventually "$1: it screens first" 120 screens
  # What is running goes wrong; what comes after it does not.
  rm $dropin
  systemctl daemon-reload
  before=$(property NRestarts)
  began=$(cut -d . -f 1 /proc/uptime)
  [ "$1" != stuck-inference ] || eventually "$1: attention blinks, no verdict is lit" 30 alarmed
  eventually "$1: the service manager ends it and starts it anew" 120 ended
  why=$(journalctl -u sonolamp.service -b --no-pager -o cat -n 30 | grep -E "$2" | tail -n 1 | cut -c -160)
  note "$(($(cut -d . -f 1 /proc/uptime) - began)) s later; $why"
  check "$1: for that reason" [ -n "$why" ]
  eventually "$1: it screens again" 120 screens
}

eventually "the service screens" 300 screens
if [ "$(cat /run/card-test/plan)" = repaired ]; then
  check "the data partition is mounted for writing again" grep -q ' /data ext4 rw' /proc/mounts
  keeps "after the repair"
  check "nothing that was kept is damaged" whole
  echo "BOARD $(cut -d ' ' -f 1 /proc/uptime) done, failed=$failed"
  systemctl poweroff
  exit
fi

note "1. panic, a stuck inference, memory"
keeps "before anything goes wrong"
rehearse panic 'status=|exit-code|panic'
rehearse stuck-inference 'Watchdog timeout|watchdog'
rehearse memory 'oom-kill|oom'
keeps "after all three"
check "the store is whole" whole

note "2. the disk is full"
again
eventually "it screens" 120 screens
eventually "an exam is recorded" 60 says '"keeping":"recording"'
dd if=/dev/zero of=/data/full bs=1M 2>/dev/null
dd if=/dev/zero of=/data/full2 bs=4k 2>/dev/null
note "$(df -k --output=avail /data | tail -n 1 | tr -d ' ') KiB free"
press 5
eventually "it says that the exam is not kept, and why" 60 says '"not_kept":"'
note "$(tail -n 1 $out | sed -n 's/.*\("not_kept":"[^"]*"\).*/\1/p')"
check "it screens all the same" screens
rm -f /data/full /data/full2
again
eventually "with room again it screens" 120 screens
keeps "with room again"
check "the store is whole" whole

note "3. the configuration is broken"
umount /etc/sonolamp/sonolamp.toml
sed 's/^debounce_ms.*/debounce_ms = "much"/' /run/card-test/good.toml >/etc/sonolamp/sonolamp.toml
line=$(grep -n '^debounce_ms' /etc/sonolamp/sonolamp.toml | cut -d : -f 1)
again
safe() { property StatusText | grep -q "sonolamp.toml: line $line: "; }
eventually "safe mode: the service is up and says which line is wrong" 60 safe
note "$(property StatusText)"
check "it is active, not failed" [ "$(property ActiveState)" = active ]
check "attention blinks" blinking
check "no verdict is lit" dark
sed 's#^use = .*#use = "phantom:lung-normal"#' /run/card-test/good.toml >/etc/sonolamp/sonolamp.toml
refused() { property StatusText | grep -qi 'demonstration'; }
eventually "a phantom is refused" 30 refused
check "no verdict is lit" dark
cp /run/card-test/good.toml /etc/sonolamp/sonolamp.toml
eventually "mended: it screens, without a new start" 60 screens

note "4. the disk fails and becomes read-only"
eventually "an exam is recorded" 60 says '"keeping":"recording"'
echo 1 >"/sys/fs/ext4/$(sed -n 's#^/dev/\([^ ]*\) /data ext4.*#\1#p' /proc/mounts)/trigger_fs_error"
# (The mount table of this kernel does not tell.)
refuses() { ! touch /data/x 2>/dev/null; }
check "the data partition has become read-only" refuses
press 5
eventually "it says that the exam is not kept, and why" 60 says '"not_kept":"'
note "$(tail -n 1 $out | sed -n 's/.*\("not_kept":"[^"]*"\).*/\1/p')"
check "it screens all the same" screens
again
sleep 10
note "started anew on the read-only disk: $(property ActiveState); $(property StatusText)"
check "it is active, not failed" [ "$(property ActiveState)" = active ]
check "no verdict is lit" dark
echo "BOARD $(cut -d ' ' -f 1 /proc/uptime) done, failed=$failed"
systemctl poweroff

#!/bin/bash
# Runs in the box that run.sh boots, as root: installs the package, lets misfortunes happen, says PASS or
# FAIL, and SKIP of what a container cannot show. Times are generous: the processor may be emulated.
set -u
conf=/etc/sonolamp/sonolamp.toml
state=/var/lib/sonolamp

now() { cut -d ' ' -f 1 /proc/uptime; }
failed=0
pass() { echo "PASS $(now) $1"; }
say() { sed 's/^/     /' | cut -c -220; }
fail() {
  echo "FAIL $(now) $1"
  failed=1
  systemctl show -p ActiveState,SubState,Result,NRestarts,StatusText,ExecMainStatus sonolamp | say
  journalctl -u sonolamp -n 8 -o short-monotonic --no-hostname | say
}
check() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then pass "$what"; else fail "$what"; fi
}
eventually() { # WHAT SECONDS COMMAND...
  local what=$1 end=$((SECONDS + $2))
  shift 2
  until "$@"; do
    [ $SECONDS -lt $end ] || { fail "$what"; return; }
    sleep 0.5
  done
  pass "$what"
}

get() { systemctl show -P "$1" "${2:-sonolamp}"; }
active() { [ "$(get ActiveState)" = active ]; }
pid() { get MainPID; }
# mark: what `said` and `restarted` look at begins here.
mark() {
  before=$(pid)
  cursor=$(journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p')
}
journal() { journalctl -u sonolamp --after-cursor="$cursor" -o cat --no-pager; }
said() { journal | grep -Eq "$1"; }
status() { get StatusText | grep -Eq "$1"; }
restarted() { active && [ "$(pid)" != "$before" ] && [ "$(pid)" != 0 ]; }
# A line of headless text of a scanned frame; the camera shows test patterns.
sees() { journal | grep -E ' s  exam ' | tail -n 1 | grep -Eq 'scanning: (ungradable|refer|clear)'; }
# with LINES...: a drop-in of its own until `without`.
with() {
  mkdir -p /run/systemd/system/sonolamp.service.d
  printf '%s\n' "$@" >/run/systemd/system/sonolamp.service.d/90-test.conf
  systemctl daemon-reload
}
without() {
  rm -f /run/systemd/system/sonolamp.service.d/90-test.conf
  systemctl daemon-reload
}
rehearse() { # WHAT
  with '[Service]' 'Environment=SONOLAMP_REHEARSE=1' 'ExecStart=' \
    "ExecStart=/usr/bin/sonolamp run --headless --safe --config $conf --rehearse $1"
}
camera() { # MORE...: a configuration with the camera
  printf '%s\n' '[source]' "use = \"$source\"" '[capture]' 'width = 320' 'height = 180' "$@" >$conf
}
# anew: restarted by hand, which is no failure.
anew() {
  systemctl reset-failed sonolamp
  mark
  systemctl restart sonolamp
}
# hurt SIGNAL: the process that `mark` has seen.
hurt() {
  if [ "$before" -gt 1 ]; then kill "-$1" "$before"; else fail "it does not run, to be hurt by $1"; fi
}
package() { dpkg "$@" >/tmp/dpkg 2>&1; }
noise() { # a camera program that shows noise, and begins anew for each reader
  while :; do
    {
      echo YUV4MPEG2 W320 H180 F10:1 Cmono
      while echo FRAME && head -c $((320 * 180)) /dev/urandom; do sleep 0.1; done
    } 2>/dev/null >/run/camera
  done
}
inside() { nsenter -t "$(pid)" "$@"; }
cgroup_file() { echo "/sys/fs/cgroup$(get ControlGroup)/$1"; }
cgroup_limit() { cat "$(cgroup_file "$1")"; }

echo "BOX $(now) up"
echo "     1. installing; an unconfigured box screens nothing"
mkdir -p $state
if [ -b /dev/vdc ]; then mount /dev/vdc $state; else mount -t tmpfs -o size=64M none $state; fi
mark
check "the package installs on the running system" package -i /steps/sonolamp.deb
say </tmp/dpkg
eventually "the service is up (READY=1)" 60 active
eventually "in safe mode, which names file and line" 20 said 'safe mode.*sonolamp.toml: line [0-9]+.*demonstration'
check "and so does its status" status 'demonstration'
sleep 20
check "the watchdog is fed in safe mode" test "$(get NRestarts)" = 0
never_clear() { ! journal | grep -q 'clear lamp\|: clear\|lamps clear'; }
check "nothing was ever clear" never_clear
check "it is switched on for the next start" systemctl -q is-enabled sonolamp

echo "     2. the sandbox, of the running process"
if modprobe -q vivid n_devs=1 node_types=0x1 2>/dev/null; then
  udevadm settle
  source=v4l2:/dev/video0
else
  source=pipe:/run/camera
  mkfifo -m 666 /run/camera
  noise &
fi
mark
camera
eventually "a mended file is taken up without a restart" 40 sees
check "still the same process" test "$(pid)" = "$before"
field() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$(pid)/status"; }
check "runs as sonolamp" test "$(stat -c %U "/proc/$(pid)")" = sonolamp
check "has no capability, and can get none" test "$(field CapPrm)$(field CapBnd)$(field NoNewPrivs)" = 000000000000000000000000000000001
check "system calls are filtered" test "$(field Seccomp)" = 2
only_lo() { [ "$(inside -n sh -c 'cat /proc/net/dev' | grep -c ':')" = 1 ] && inside -n sh -c 'cat /proc/net/dev' | grep -q ' lo:'; }
check "sees no network but its own loopback" only_lo
read_only() { # Root in its place: what holds is the mount, not the mode.
  ! inside -m touch /usr/planted 2>/dev/null &&
    ! inside -m touch /etc/sonolamp/planted 2>/dev/null &&
    inside -m touch $state/planted && rm $state/planted
}
check "writes to its state, and not to the system" read_only
if [ -e "$(cgroup_file memory.max)" ]; then
  check "memory is limited" test "$(cgroup_limit memory.max)" = $((512 << 20))
  check "processor time is limited" test "$(cgroup_limit cpu.max)" = "300000 100000"
else
  echo "SKIP $(now) limits of memory and processor: no control groups of version 2 here"
fi
figure=$(systemd-analyze security --no-pager sonolamp | sed -n 's/.*Overall exposure level for.*: \([0-9.]*\) .*/\1/p')
check "systemd-analyze security says ${figure:-nothing}, at most 3.0" awk "BEGIN { exit !(${figure:-9} <= 3.0) }"
may_power_off() { [ "$(runuser -u sonolamp -- busctl call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager CanPowerOff)" = 's "yes"' ]; }
check "its user may shut the box down (the long press)" may_power_off
levels() { [ "$(journalctl -u sonolamp -o json --output-fields=PRIORITY | sed -n 's/.*"PRIORITY":"\([0-9]\)".*/\1/p' | sort -u | wc -l)" -gt 1 ]; }
check "lines in the journal have levels" levels

echo "     3. it comes back"
mark
hurt KILL
eventually "after kill -9" 30 restarted
mark
hurt ABRT
eventually "after a crash" 30 restarted
check "without a core" test -z "$(find / -xdev -name 'core*' -size +1M -not -path '/usr/*' -not -path '/sys/*' 2>/dev/null)"
eventually "and sees frames" 40 sees
systemctl reset-failed sonolamp
mark
hurt STOP
eventually "stopped (SIGSTOP), by the watchdog" 60 restarted
journald_says() { journalctl -b --after-cursor="$cursor" -o cat | grep -Eq "$1"; }
check "the journal says so" journald_says 'Watchdog timeout'
systemctl reset-failed sonolamp
rehearse stuck-inference:4
mark; systemctl restart sonolamp; before=$(pid)
eventually "an inference that is stuck, by the watchdog" 90 restarted
check "the journal says so" journald_says 'Watchdog timeout'
systemctl reset-failed sonolamp
rehearse panic:4
mark; systemctl restart sonolamp; before=$(pid)
eventually "a panic" 60 restarted
check "the journal says where" said 'panicked|rehearsed panic'
systemctl reset-failed sonolamp
if [ -e "$(cgroup_file memory.max)" ]; then
  rehearse memory:4
  mark; systemctl restart sonolamp; before=$(pid)
  eventually "memory that runs out" 120 restarted
  check "at its own limit" journald_says 'oom-kill|OOM killer'
else
  echo "SKIP $(now) memory that runs out: it would be the whole machine's"
fi
without
systemctl reset-failed sonolamp
mark; systemctl restart sonolamp
eventually "and screens again" 60 sees

echo "     4. five failures in a minute, a rest, and again"
with '[Service]' 'ExecStart=' 'ExecStart=/bin/false'
mark; systemctl restart sonolamp 2>/dev/null
hit() { [ "$(get Result)" = start-limit-hit ] || journald_says 'Start request repeated too quickly'; }
eventually "the quick restarts have an end" 60 hit
rests() { [ "$(get ActiveState)" = failed ] && [ "$(get ActiveState sonolamp-retry@sonolamp.service)" = activating ]; }
eventually "it rests, and another try waits" 20 rests
darkened() { get ExecStopPost | grep -q 'code=exited ; status=0'; }
check "with lamps and panel darkened by the unit (there are none here)" darkened
tries() { [ "$(get ActiveState)" != failed ]; }
eventually "which comes" 100 tries
eventually "fails, and the next waits" 60 rests
without
eventually "which starts it" 100 active
eventually "and it sees frames" 60 sees
gone() { [ "$(get ActiveState sonolamp-retry@sonolamp.service)" = inactive ]; }
check "no other try waits" gone
with '[Service]' 'ExecStart=' 'ExecStart=/bin/false'
mark; systemctl restart sonolamp 2>/dev/null
eventually "a second time" 60 rests
systemctl stop sonolamp
eventually "stopping by hand also ends the retries" 10 gone
without
systemctl reset-failed sonolamp

echo "     5. broken configuration"
mark; printf '[source\n' >$conf; systemctl start sonolamp
eventually "up in safe mode" 60 said 'safe mode.*sonolamp.toml: line 1'
check "as a service that runs" active
systemctl stop sonolamp
stays_off() { [ "$(get ActiveState)" = inactive ] && gone; }
check "stopped by hand in safe mode it stays off" stays_off
mark; systemctl start sonolamp
eventually "safe mode again" 60 said 'safe mode'
mark; camera
eventually "mended: it goes on by itself" 60 sees
check "in the same process" test "$(pid)" = "$before"

echo "     6. the disk"
runuser -u sonolamp -- sh -c 'cd /tmp && sonolamp exam keys clinic.key' >/etc/sonolamp/clinic.pub 2>/dev/null
store=('[store]' "folder = \"$state/exams\"" 'reserve_mb = 20')
camera "${store[@]}"
anew
eventually "exams are kept: it screens" 60 sees
dd if=/dev/zero of=$state/ballast bs=1M status=none 2>/dev/null
sync
anew
eventually "a full disk is told" 60 said 'free|full|space|reserve'
check "and is no reason to end" active
journal | tail -n 3 | say
rm $state/ballast
anew
eventually "with space again it screens" 60 sees
systemctl stop sonolamp
eventually "the disk becomes read-only" 20 mount -o remount,ro $state
anew
eventually "a read-only disk is told" 60 said 'read-only|Read-only|cannot be (written|opened|kept|used)'
journal | tail -n 3 | say
mount -o remount,rw $state
# Its view of the disk is that of its start.
anew
eventually "writable again and started anew, it screens" 60 sees
store_is_well() { runuser -u sonolamp -- sonolamp exam check --config $conf | tee /tmp/check | grep -q ' 0 damaged'; }
systemctl stop sonolamp
check "what was kept is whole" store_is_well
say </tmp/check

echo "     7. the dashboard on a console"
if [ -e /dev/vcs2 ]; then
  camera
  systemctl start sonolamp
  mark
  check "takes the place of the service" systemctl start sonolamp-dashboard@tty2
  check "which has ended" test "$(get ActiveState)" = inactive
  drawn() { tr -d '\0' </dev/vcs2 | grep -q 'Live'; }
  eventually "and is drawn on the console" 60 drawn
  figure=$(systemd-analyze security --no-pager sonolamp-dashboard@tty2 | sed -n 's/.*Overall exposure level for.*: \([0-9.]*\) .*/\1/p')
  check "its exposure is ${figure:-nothing}" awk "BEGIN { exit !(${figure:-9} <= 3.0) }"
  systemctl stop sonolamp-dashboard@tty2
  systemctl start sonolamp
else
  echo "SKIP $(now) the dashboard: no console here"
fi

echo "     8. removal and purge"
check "the package is removed" package -r sonolamp
check "nothing of it runs" test -z "$(pgrep -u sonolamp)"
check "the configuration stays" test -e $conf
check "and it is purged" package -P sonolamp
say </tmp/dpkg
check "kept exams stay" test -n "$(find $state/exams -name '*.envelope')"

kill %1 2>/dev/null
echo "BOX $(now) done, failed=$failed"
sync

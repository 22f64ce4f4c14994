#!/bin/sh
# Inside the card's system on the virtual board: looks at the box and says PASS or FAIL on the serial
# line. Started by the test disk's hook as a service (boot.sh).
now() { cut -d ' ' -f 1 /proc/uptime; }
failed=0
pass() { echo "PASS $(now) $1"; }
fail() { echo "FAIL $(now) $1"; failed=1; }
note() { echo "     $1"; }
check() { # WHAT COMMAND...
  what=$1
  shift
  if "$@" >/dev/null 2>&1; then pass "$what"; else fail "$what"; fi
}
eventually() { # WHAT SECONDS COMMAND...
  what=$1 left=$(($2 * 2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || { fail "$what"; return; }
    sleep 0.5
  done
  pass "$what"
}
not() { ! "$@"; }
# pids NAME: processes of that name.
pids() { grep -lsx "$1" /proc/[0-9]*/comm | cut -d / -f 3; }
runs() { [ -n "$(pids "$1")" ]; }
property() { systemctl show -P "$1" sonolamp.service; }

slot=$(tr ' ' '\n' </proc/cmdline | sed -n 's/^sonolamp.slot=//p')
note "slot $slot, $(sed -n 's/^PRETTY_NAME=//p' /etc/os-release), kernel $(uname -r)"

# What the initrd told the kernel's log.
dmesg | sed -n 's/^\[ *\([0-9.]*\)\] sonolamp: /     initrd: \1 /p'
note "1. the service and its screen"
active() { [ "$(systemctl is-active sonolamp.service)" = active ]; }
eventually "the service is ready" 240 active
note "ready $(($(property ActiveEnterTimestampMonotonic) / 1000)) ms after the kernel's start; status: $(property StatusText)"
dashboard() { runs cage && runs foot && runs sonolamp; }
check "the dashboard runs in a terminal on the screen" dashboard
one() { [ "$(pids sonolamp | wc -l)" = 1 ]; }
check "as one instance" one

camera() { find /proc/"$(pids sonolamp | head -n 1)"/fd -lname /dev/video0 | grep -q .; }
eventually "it has the camera" 30 camera
seen() {
  timeout -s INT 10 script -qfc "stty cols 120 rows 40; TERM=xterm-256color LANG=C.UTF-8 sonolamp watch" /dev/null </dev/null >/run/card-test/screen 2>&1
  sed 's/\x1b\[[0-9;?]*[A-Za-z]/ /g' /run/card-test/screen | tr -d ' ' >/run/card-test/words
  grep -aqi 'ungradable\|无法判读' /run/card-test/words
}
eventually "frames are judged: the test pattern is ungradable" 60 seen
lines=$(cat /run/card-test/lines)
level() { cat "$lines/sim_gpio$1/value"; }
lamp() { [ "$(level 0)$(level 1)$(level 2)" = 001 ]; }
eventually "the attention lamp is lit, refer and clear are dark" 20 lamp
flashes() { [ "$(level 3)" = 1 ]; }
eventually "the heartbeat flashes" 20 flashes

note "2. the card"
read_only() { ! touch /usr/x && ! touch /etc/x && grep -q '^/dev/mapper/root / squashfs ro' /proc/mounts; }
check "the root is read-only" read_only
verity() { dmsetup table root | grep -q ' verity '; }
check "and guarded by dm-verity" verity
data=$(sed -n 's#^\([^ ]*\) /data ext4.*#\1#p' /proc/mounts)
if [ -e /run/card-test/data ]; then
  memory() { grep -q '^data /data tmpfs' /proc/mounts; }
  check "what would be kept is in memory" memory
else
  grown() { [ "$(df -k --output=size /data | tail -n 1)" -gt 900000 ]; }
  check "the data partition $data has grown ($(df -h --output=size /data | tail -n 1 | xargs))" grown
fi
identity() { grep -qE '^[0-9a-f]{32}$' /etc/machine-id && cmp /etc/machine-id /data/machine-id; }
check "the box has its identity ($(cut -c -8 /etc/machine-id)...)" identity
named() { [ "$(hostname)" = "sonolamp-$(cut -c -4 /etc/machine-id)" ]; }
check "and its name ($(hostname))" named
check "a random seed is kept for the next start" test -s /var/lib/systemd/random-seed

note "3. nothing listens, nobody logs in"
quiet() { [ "$(echo /sys/class/net/*)" = /sys/class/net/lo ]; }
check "no network device" quiet
radio() { ls /sys/class/ieee80211/* /sys/class/bluetooth/* || find /lib/modules /lib/firmware -name 'brcm*' -o -name '*bluetooth*' -o -name 'cfg80211*' | grep .; }
check "no Wi-Fi and no Bluetooth: no device, no driver, no firmware" not radio
login() { runs login || runs agetty || runs sshd || runs sulogin; }
check "no login prompt, no ssh" not login
passwords() { cut -d : -f 2 /etc/shadow | grep -qvE '^([!*]|!\*)'; }
check "no account has a password" not passwords

note "4. the clock"
case $(cat /run/card-test/clock 2>/dev/null) in
  unset)
    earlier() { [ "$(date +%s)" -lt 1767225600 ]; }
    check "no clock was set, and none is made up ($(date -u +%F))" earlier ;;
  *)
    later() { [ "$(date +%s)" -ge 1767225600 ]; }
    check "the time comes from the hardware clock ($(date -u +%F))" later ;;
esac
check "nothing sets or keeps a time of its own" not sh -c 'ls /lib/systemd/systemd-timesyncd /sbin/fake-hwclock'

note "5. journal"
journal() { [ -d "/var/log/journal/$(cat /etc/machine-id)" ] && journalctl --disk-usage; }
check "the journal is kept on the data partition" journal
note "units that failed: $(systemctl list-units --failed --plain --no-legend | cut -d ' ' -f 1 | xargs)"
# shellcheck source=/dev/null
[ ! -x /run/card-test/more.sh ] || . /run/card-test/more.sh
# Where the screen stands still: who waits for what.
for name in cage foot sonolamp; do
  for process in $(pids $name); do
    for thread in /proc/"$process"/task/*; do
      note "$name $(cat "$thread/comm"): state, user and system time $(cut -d " " -f 3,14,15 "$thread/stat"), in $(cat "$thread/wchan")"
    done
  done
done
[ $failed = 0 ] || journalctl -b -o short-monotonic -u sonolamp -u seatd -u card-hardware --no-pager | tail -n 40 | cut -c -200 | sed 's/^/     /'
{ systemd-analyze; systemd-analyze --no-pager security sonolamp.service | tail -n 1; } 2>/dev/null | sed 's/^/     /'
echo "BOARD $(now) done, failed=$failed"

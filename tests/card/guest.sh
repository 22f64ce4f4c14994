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
property() { systemctl show -P "$1" sonolamp.service; }

slot=$(tr ' ' '\n' </proc/cmdline | sed -n 's/^sonolamp.slot=//p')
note "slot $slot, $(sed -n 's/^PRETTY_NAME=//p' /etc/os-release), kernel $(uname -r)"

note "1. the service and its screen"
active() { [ "$(systemctl is-active sonolamp.service)" = active ]; }
eventually "the service is ready" 240 active
note "ready $(($(property ActiveEnterTimestampMonotonic) / 1000)) ms after the kernel's start; status: $(property StatusText)"
dashboard() { pgrep -x foot && pgrep -x cage && pgrep -x sonolamp; }
check "the dashboard runs in a terminal on the screen" dashboard
one() { [ "$(pgrep -cx sonolamp)" = 1 ]; }
check "as one instance" one

note "2. the card"
read_only() { ! touch /usr/x && ! touch /etc/x && grep -q '^/dev/mapper/root / squashfs ro' /proc/mounts; }
check "the root is read-only" read_only
verity() { dmsetup table root | grep -q ' verity '; }
check "and guarded by dm-verity" verity
data=$(sed -n 's#^\([^ ]*\) /data ext4.*#\1#p' /proc/mounts)
grown() { [ "$(df -k --output=size /data | tail -n 1)" -gt 900000 ]; }
check "the data partition $data has grown ($(df -h --output=size /data | tail -n 1 | xargs))" grown
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
login() { pgrep -x 'login|agetty|sshd|sulogin'; }
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
systemd-analyze 2>/dev/null | sed 's/^/     /'
echo "BOARD $(now) done, failed=$failed"

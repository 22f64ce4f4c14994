#!/bin/sh
# PID 1 of the virtual board: takes the appliance through a clinic's day and says PASS or FAIL.
# Lines of the simulated GPIO chip, by offset: refer 0, clear 1, attention 2, heartbeat 3, start 4,
# freeze 5. No latency is asserted: the processor is emulated.
export PATH=/bin:/sbin:/usr/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp

now() { cut -d ' ' -f 1 /proc/uptime; }
failed=0
pass() { echo "PASS $(now) $1"; }
fail() {
  echo "FAIL $(now) $1"
  failed=1
  tail -n 5 /tmp/out /tmp/err 2>/dev/null | cut -c -300 | sed 's/^/     /'
}
# check WHAT COMMAND...: PASS if the command succeeds.
check() {
  what=$1
  shift
  if "$@"; then pass "$what"; else fail "$what"; fi
}
# eventually WHAT SECONDS COMMAND...: PASS once the command succeeds.
eventually() {
  what=$1 ticks=$(($2 * 5))
  shift 2
  while ! "$@"; do
    ticks=$((ticks - 1))
    [ "$ticks" -gt 0 ] || { fail "$what"; return; }
    usleep 200000
  done
  pass "$what"
}

# The GPIO chip.
modprobe configfs
mount -t configfs none /sys/kernel/config
modprobe gpio-sim
bank=/sys/kernel/config/gpio-sim/board/bank0
mkdir -p "$bank"
echo 8 >"$bank/num_lines"
offset=0
for name in GPIO17 GPIO27 GPIO22 GPIO23 GPIO5 GPIO6; do
  mkdir "$bank/line$offset"
  echo "$name" >"$bank/line$offset/name"
  offset=$((offset + 1))
done
echo 1 >/sys/kernel/config/gpio-sim/board/live
chip=$(cat "$bank/chip_name")
lines=/sys/devices/platform/$(cat /sys/kernel/config/gpio-sim/board/dev_name)/$chip
level() { cat "$lines/sim_gpio$1/value"; }
is() { [ "$(level "$1")" = "$2" ]; }
lit() { # refer clear attention, each 0 or 1
  is 0 "$1" && is 1 "$2" && is 2 "$3"
}
dark() { lit 0 0 0 && is 3 0; }
# blinking LINE: seen on and off within two seconds.
blinking() {
  seen0=0 seen1=0 i=0
  while [ $i -lt 20 ]; do
    if is "$1" 1; then seen1=1; else seen0=1; fi
    [ $seen0$seen1 = 11 ] && return 0
    usleep 100000
    i=$((i + 1))
  done
  return 1
}
# Buttons pull their lines down; the program asks for a pull-up.
press() {
  echo pull-down >"$lines/sim_gpio$1/pull"
  usleep 150000
  echo pull-up >"$lines/sim_gpio$1/pull"
  usleep 150000
}

# configure [FORMAT [AUTO_START]]: writes the configuration.
configure() {
  cat >/tmp/sonolamp.toml <<END
[capture]
format = "${1:-auto}"
[exam]
auto_start = ${2:-true}
[lamps]
driver = "gpiochip"
refer = "GPIO17"
clear = "GPIO27"
attention = "GPIO22"
heartbeat = "GPIO23"
[buttons]
start = "GPIO5"
freeze = "GPIO6"
END
}
# start ARGUMENTS...: the appliance in the background.
start() {
  : >/tmp/out
  : >/tmp/err
  sonolamp run --headless --json --config /tmp/sonolamp.toml "$@" >/tmp/out 2>/tmp/err &
  appliance=$!
}
said() { grep -q "$1" /tmp/out; }
says() { tail -n 1 /tmp/out | grep -q "$1"; }
running() { kill -0 "$appliance" 2>/dev/null; }
stop() {
  kill -TERM "$appliance"
  wait "$appliance"
}

. /steps.sh

echo "BOARD $(now) done, failed=$failed"
poweroff -f

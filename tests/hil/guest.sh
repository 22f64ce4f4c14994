#!/bin/sh
# PID 1 of the virtual board: runs the steps in /steps.sh, which say PASS or FAIL.
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

# simulate_gpio: makes a GPIO chip with the board's lines; `level` and `pull` work on it.
simulate_gpio() {
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
}
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
pull() { # LINE down|up
  echo "pull-$2" >"$lines/sim_gpio$1/pull"
}
press() {
  pull "$1" down
  usleep 250000
  pull "$1" up
  usleep 250000
}
# bouncing_presses LINE N BOUNCES: N presses, each of 4 * BOUNCES + 2 edges. The kernel merges
# edges that come faster than its interrupt thread runs, so a bounce lasts 10 ms here.
bouncing_presses() {
  n=$2
  while [ "$n" -gt 0 ]; do
    n=$((n - 1))
    for ends in "down up" "up down"; do
      bounce=$3
      while [ "$bounce" -gt 0 ]; do
        bounce=$((bounce - 1))
        for way in $ends; do
          pull "$1" "$way"
          usleep 10000
        done
      done
      pull "$1" "${ends%% *}"
      usleep 200000
    done
  done
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
debounce_ms = 100
long_press_ms = 1500
shutdown_command = ["touch", "/tmp/off"]
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
ended() { ! running; }
running() { kill -0 "$appliance" 2>/dev/null; }
stop() {
  kill -TERM "$appliance"
  wait "$appliance"
}

# The camera, as the program sees it.
camera=vivid.0
sees_frames() { says '"fault":null' && ! says '"captured":0,'; }
faulty() { says '"fault":"'; }
control() { v4l2-ctl -d /dev/video0 -c "$1" >/dev/null; }
descriptors() { ls "/proc/$appliance/fd" | wc -l; }
threads() { ls "/proc/$appliance/task" | wc -l; }
# unplugs N: takes the camera away and gives it back, N times, and looks for leaks.
unplugs() {
  before="$(descriptors) $(threads)"
  round=0
  while [ $round -lt "$1" ]; do
    round=$((round + 1))
    echo $camera >/sys/bus/platform/drivers/vivid/unbind
    eventually "unplugged ($round): fault" 20 faulty
    echo $camera >/sys/bus/platform/drivers/vivid/bind
    eventually "plugged in again ($round): frames" 60 sees_frames
  done
  check "no descriptor and no thread leaked ($before)" test "$before" = "$(descriptors) $(threads)"
  check "still the same process" running
}

# What the kernel printed last may have no end.
echo
. /steps.sh

echo "BOARD $(now) done, failed=$failed"
poweroff -f

#!/bin/sh
# A camera and lamp lines for the virtual board, before the service starts: vivid and gpio-sim.
set -eu
modprobe -d /run/card-test/modules -a configfs gpio-sim
modprobe -d /run/card-test/modules vivid n_devs=1 node_types=0x1
[ -d /sys/kernel/config/gpio-sim ] || mount -t configfs none /sys/kernel/config
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
echo "/sys/devices/platform/$(cat /sys/kernel/config/gpio-sim/board/dev_name)/$(cat "$bank/chip_name")" >/run/card-test/lines

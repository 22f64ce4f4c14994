#!/bin/sh
# Run by the card's initrd on the virtual board, from the test disk, with the new root: brings in what a
# card does not have. The root is read-only; /run is memory.
set -eu
root=$1
mkdir -p "$root/run/card-test" "$root/run/systemd/system/multi-user.target.wants" "$root/run/systemd/system/sonolamp.service.d"
cp -R /test/guest.sh /test/hardware.sh /test/modules "$root/run/card-test/"
for file in /test/more.sh /test/clock /test/data; do [ ! -e "$file" ] || cp "$file" "$root/run/card-test/"; done
cp /test/*.service "$root/run/systemd/system/"
for unit in card-test card-hardware; do
  ln -s "../$unit.service" "$root/run/systemd/system/multi-user.target.wants/$unit.service"
done
[ ! -e /test/sonolamp.toml ] || mount -o bind /test/sonolamp.toml "$root/etc/sonolamp/sonolamp.toml"

# shellcheck shell=sh disable=SC2154
# Misfortunes on the virtual board, each provoked and each survived; sourced by tests/hil/guest.sh. What
# systemd does for the box (a new start, the watchdog's kill, a limit of memory) a few lines do here; the
# card's own system is tried by misfortunes.sh.

modprobe -a virtio_pci virtio_blk crc32c_generic ext4
eventually "the card is there" 10 test -b /dev/vda4
mkdir -p /data
keep() { mount -t ext4 -o noatime,nosuid,nodev,noexec,errors=remount-ro /dev/vda4 /data; }
check "its data partition is mounted" keep
simulate_gpio
cp /clinic.pub /tmp/
settings() {
  configure
  cat >>/tmp/sonolamp.toml <<END
[store]
folder = "/data/sonolamp/exams"
keys = "/tmp/clinic.pub"
reserve_mb = 0
END
}
lung() { # SCENE ARGUMENTS...
  scene=$1
  shift
  start --source "phantom:lung-$scene?seed=8&fps=4&size=320x240" --every-frame --drive-lamps "$@"
}
screens() { eventually "$1: screens again" 60 says '"verdict":"clear"'; }
safely() { ! is 0 1 && ! is 1 1; } # neither verdict is lit
whole() { # N: the store is whole and has N exams
  sonolamp exam check --store /data/sonolamp/exams >/tmp/check 2>&1
  tail -n 1 /tmp/check | grep -q "^$1 exams, 0 damaged$"
}
kept=0
# An exam that is held, and so kept.
hold() {
  press 5
  eventually "$1: an exam is kept" 30 says '"keeping":"kept"'
  kept=$((kept + 1))
}

settings
echo "     1. a thread panics"
lung normal --rehearse panic:8
eventually "clear for a normal lung" 60 lit 0 1 0
eventually "it panics, and the program ends" 60 ended
wait "$appliance"
code=$?
check "with an error ($code)" test $code -ne 0
check "no verdict is left on the lamps" safely
lung normal
screens "started anew"
hold "started anew"
stop

echo "     2. the inference never returns"
lung normal --rehearse stuck-inference:8
eventually "clear for a normal lung" 60 lit 0 1 0
eventually "the verdict leaves the lamps" 60 safely
eventually "and attention blinks" 20 blinking 2
check "the program hangs" running
kill -KILL "$appliance"
wait "$appliance" 2>/dev/null
lung normal
screens "killed, as a watchdog does, and started anew"
hold "killed and started anew"
stop

echo "     3. memory runs out"
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p /sys/fs/cgroup/box
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
echo 200M >/sys/fs/cgroup/box/memory.max
lung normal --rehearse memory:8
echo "$appliance" >/sys/fs/cgroup/box/cgroup.procs
eventually "the kernel ends the program at its limit" 90 ended
wait "$appliance" 2>/dev/null
check "for want of memory" grep -q '^oom_kill [1-9]' /sys/fs/cgroup/box/memory.events
lung normal
echo "$appliance" >/sys/fs/cgroup/box/cgroup.procs
screens "started anew within the same limit"
hold "started anew within the same limit"
stop
echo "     store: $(sonolamp exam check --store /data/sonolamp/exams 2>&1 | tail -n 1)"
before=$(find /data/sonolamp/exams -name '*.envelope' | wc -l)

echo "     4. the disk is full"
lung normal
eventually "an exam is recorded" 60 says '"keeping":"recording"'
dd if=/dev/zero of=/data/full bs=64k 2>/dev/null
dd if=/dev/zero of=/data/full2 bs=512 2>/dev/null
eventually "the verdict comes all the same" 60 says '"verdict":"clear"'
press 5
eventually "it is said that the exam is not kept, and why" 60 says '"not_kept":"'
check "clear is lit" lit 0 1 0
sed -n 's/.*\("not_kept":"[^"]*"\).*/     \1/p' /tmp/out | tail -n 1
rm -f /data/full /data/full2
stop
lung normal
screens "with room again"
hold "with room again"
stop
check "nothing of the earlier exams is lost" whole $((before + 1))

echo "     5. the disk fails and becomes read-only"
lung normal
eventually "an exam is recorded" 60 says '"keeping":"recording"'
echo 1 >/sys/fs/ext4/vda4/trigger_fs_error
read_only() { grep -q ' /data ext4 ro' /proc/mounts; }
check "the file system has become read-only" read_only
eventually "the verdict comes all the same" 60 says '"verdict":"clear"'
press 5
eventually "it is said that the exam is not kept, and why" 60 says '"not_kept":"'
sed -n 's/.*\("not_kept":"[^"]*"\).*/     \1/p' /tmp/out | tail -n 1
check "clear is lit" lit 0 1 0
stop
lung normal
eventually "started anew on the read-only disk: it runs, or says why not" 30 grep -q . /tmp/out /tmp/err
tail -n 1 /tmp/err | cut -c -200 | sed 's/^/     /'
kill -KILL "$appliance" 2>/dev/null
wait "$appliance" 2>/dev/null
umount /data
echo "     (the host repairs the card, as the next boot does)"

echo "     6. the configuration is broken"
modprobe vivid n_devs=1 node_types=0x1
settings
sed -i 's/^folder.*//; s/^keys.*//; s/^reserve.*//; s/^\[store\]//' /tmp/sonolamp.toml
sed 's/^debounce_ms.*/debounce_ms = "much"/' /tmp/sonolamp.toml >/tmp/broken.toml
cp /tmp/sonolamp.toml /tmp/good.toml
cp /tmp/broken.toml /tmp/sonolamp.toml
start --safe --source v4l2:/dev/video0
sleep 5
check "the program runs on in safe mode" running
eventually "attention blinks" 20 blinking 2
check "no verdict is lit" safely
check "it says which line is wrong" grep -qi 'debounce_ms' /tmp/out /tmp/err
grep -hi debounce_ms /tmp/err /tmp/out | head -n 1 | cut -c -250 | sed 's/^/     /'
cp /tmp/good.toml /tmp/sonolamp.toml
eventually "mended: it screens without a new start" 60 sees_frames
stop
start --safe --source phantom:lung-normal
eventually "a phantom is refused" 20 grep -qi 'demonstration' /tmp/out /tmp/err
check "no verdict is lit" safely
stop
check "lines are safe" dark

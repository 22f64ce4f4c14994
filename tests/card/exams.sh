# shellcheck shell=sh disable=SC2154
# Keeps exams on a card and changes its boot state, while every write is logged; sourced by
# tests/hil/guest.sh. The kernel's command line says how many exams (exams=N), and what is added to the
# data partition's mount options (with=OPTION), for a proof that the replay can fail.
#
# What is acknowledged is marked in the log: a page in the gap before the first partition, written past the
# cache and without a flush, so that marking makes nothing safe.

argument() { tr ' ' '\n' </proc/cmdline | sed -n "s/^$1=//p"; }
exams=$(argument exams)
with=$(argument with)
modprobe -a virtio_pci virtio_blk crc32c_generic ext4 vfat nls_cp437 nls_ascii
eventually "the card is there" 10 test -b /dev/vda4
mkdir -p /data /boot
options="noatime,nosuid,nodev,noexec,errors=remount-ro${with:+,$with}"
check "its data partition is mounted" mount -t ext4 -o "$options" /dev/vda4 /data
check "its boot partition is mounted" mount -t vfat -o ro,umask=077 /dev/vda1 /boot

page=8
mark() {
  printf 'SONOMARK %s' "$*" | dd of=/dev/vda bs=4096 seek=$page conv=notrunc,sync oflag=direct 2>/tmp/dd ||
    fail "a mark is written: $(cat /tmp/dd)"
  page=$((page + 1))
  [ $page -lt 250 ] || page=8
}
marked=" "
acknowledge() {
  for file in /data/sonolamp/exams/*.envelope; do
    id=${file##*/}
    id=${id%.envelope}
    case $marked in *" $id "*) continue ;; esac
    mark kept "$id"
    marked="$marked$id "
  done
}
# The boot state in place, as the card does it; now and then a kernel comes, as in an update.
left=3
boot_state() {
  left=$(((left + 2) % 4))
  mount -o remount,rw /boot
  printf 'BOOT_ORDER=A B\nBOOT_A_LEFT=%s\nBOOT_B_LEFT=3\n' $left >/tmp/ab.env
  dd if=/tmp/ab.env of=/boot/ab.env conv=notrunc,fsync 2>/dev/null
  mark abenv $left
  if [ $left = 1 ]; then
    dd if=/bin/busybox of=/boot/B/vmlinuz.new bs=64k count=5 conv=fsync 2>/dev/null
    mv /boot/B/vmlinuz.new /boot/B/vmlinuz
  fi
  mount -o remount,ro /boot
}

simulate_gpio
configure auto false
cp /clinic.pub /tmp/
cat >>/tmp/sonolamp.toml <<END
[store]
folder = "/data/sonolamp/exams"
keys = "/tmp/clinic.pub"
reserve_mb = 0
END
appear() {
  start --source "phantom:lung-blines?seed=$1&fps=4&size=320x240" --every-frame
  eventually "the appliance awaits an exam" 60 says '"state":"idle"'
  sleep 1
}
# begin: from idle, or from an exam that has ended.
begin() {
  press 4
  eventually "exam $n is recorded" 30 says '"keeping":"recording"'
  boot_state
  sleep $((2 + n % 3))
}
appear 1
n=0
while [ $n -lt "$exams" ]; do
  n=$((n + 1))
  begin
  # One in five is cut short by the program's sudden end, and is not kept.
  if [ $((n % 5)) = 3 ]; then
    kill -KILL "$appliance"
    wait "$appliance" 2>/dev/null
    appear $n
    continue
  fi
  press 5
  eventually "exam $n is kept" 60 says '"keeping":"kept"'
  acknowledge
  sleep 1
  press 4
  eventually "exam $n ends" 20 says '"state":"ended"'
done
check "SIGTERM ends the appliance in order" stop
echo "     marked:$marked"
sync

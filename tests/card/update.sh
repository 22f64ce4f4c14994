#!/bin/bash
# Updates that must fail, and one that must not. Says PASS or FAIL of each, and counts.
#
#   tests/card/update.sh                      on this machine (a minute): the box's scripts on files, RAUC's own
#                                             check of signatures; no install by RAUC, no boot
#   tests/card/update.sh IMAGE SLOT_FOLDER [OUT_FOLDER]
#                                             on the virtual board (half an hour), with the image and slot/ of
#                                             deploy/card/build.sh: RAUC installs, U-Boot counts, slots fail
#
# SONOLAMP_STANDIN=1   a stand-in for the program: what is tried is what becomes of an update
# SONOLAMP_FAULTS      the boot failures to try on the board, else all
# SONOLAMP_ONLY=faults  on the board no refusals but boot failures and the good update, each with a minute of 20 s
# SONOLAMP_STICKS      the sticks to try on the board (a pattern), else all
# SONOLAMP_LIMIT       seconds on the board, else 5400
#
# OUT_FOLDER gets the serial line's log. Needs rauc, squashfs-tools, cryptsetup-bin, openssl; the board also
# qemu-system-arm, u-boot-qemu, mtools, dosfstools, e2fsprogs.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"
cd "$(dirname "$0")/../.."
fail() { echo "tests/card/update.sh: $*" >&2; exit 2; }
[ $# = 0 ] || [ $# = 2 ] || [ $# = 3 ] || fail "usage: tests/card/update.sh [IMAGE SLOT_FOLDER [OUT_FOLDER]]"
for pair in rauc:rauc mksquashfs:squashfs-tools veritysetup:cryptsetup-bin openssl:openssl; do
  command -v "${pair%%:*}" >/dev/null || fail "missing: apt-get install ${pair#*:}"
done
work=$(mktemp -d)
emulator=""
trap '[ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true; rm -rf "$work"' EXIT
passed=0 failed=0
pass() { echo "PASS  $1"; passed=$((passed + 1)); }
fails() { echo "FAIL  $1"; failed=$((failed + 1)); }
check() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then pass "$what"; else fails "$what"; fi
}

deploy/update/keys.sh "$work/keys" >/dev/null
tests/card/update/sticks.sh "$work/keys" "$work/sticks"

# --- on this machine ---------------------------------------------------------------------------------
if [ $# = 0 ]; then
box=$work/box
lib=deploy/update/root/usr/lib/sonolamp
mkdir -p "$box"/{boot/A,boot/B,state,run,bin}
sed "s#^path=.*#path=$work/keys/ca.pem#; s#^data-directory=.*#data-directory=$box/state#" deploy/update/root/etc/rauc/system.conf >"$box/system.conf"
echo "quiet sonolamp.slot=A" >"$box/cmdline"
printf 'BOOT_A_LEFT=3\nBOOT_B_LEFT=3\nBOOT_ORDER=A B\n\n' >"$box/factory.env"
export SONOLAMP_BOOT=$box/boot SONOLAMP_STATE=$box/state SONOLAMP_RUN=$box/run SONOLAMP_CMDLINE=$box/cmdline
export SONOLAMP_LIB=$lib SONOLAMP_RAUC_CONF=$box/system.conf SONOLAMP_MODELS=$box/models
real=$(command -v rauc)
# RAUC's part of an install, where there is no dm-verity: the signature by RAUC itself, the rest as RAUC 1.8 goes
# about it: handler, counters, slot, handler.
cat >"$box/bin/rauc" <<END
#!/bin/sh
set -e
case "\$*" in *' install '*) ;; *) exec $real "\$@" ;; esac
for bundle; do :; done
$real "\$1" info "\$bundle" >/dev/null
rm -rf $box/mounted
unsquashfs -q -n -d $box/mounted "\$bundle" >/dev/null 2>&1
export RAUC_BUNDLE_MOUNT_POINT=$box/mounted RAUC_TARGET_SLOTS="2 " RAUC_SLOT_BOOTNAME_1=A RAUC_SLOT_BOOTNAME_2=B RAUC_SLOT_DEVICE_2=$box/slotB
case \$(cat $box/cmdline) in *=B) export RAUC_TARGET_SLOTS="1 " ;; esac
$lib/update-before
target=B; [ "\$RAUC_TARGET_SLOTS" = "2 " ] || target=A
$lib/boot-state set-state \$target bad
[ ! -e $box/cut ] || exit 1
cp $box/mounted/root.img $box/slot\$target
$lib/update-after
END
# The service manager and the program, as a test wants them.
cat >"$box/bin/systemctl" <<END
#!/bin/sh
case "\$*" in
  *ActiveState*) cat $box/active ;;
  *NRestarts*) cat $box/restarts ;;
  *reboot*) echo reboot >>$box/reboots ;;
esac
END
cat >"$box/bin/setpriv" <<END
#!/bin/sh
read -r code <$box/self-test
[ "\$code" = 0 ] || { echo "sonolamp: it is not signed" >&2; exit "\$code"; }
case "\$*" in
  *"bundle install"*) ln -sfn "\$(cksum <"\${*##* }/bundle.toml" | cut -c -5)" $box/models/current; echo "a model is installed" ;;
  *"bundle rollback --built-in"*) rm $box/models/current ;;
  *"bundle rollback"*) [ ! -e $box/no-way-back ] && ln -sfn before $box/models/current ;;
esac
END
chmod 755 "$box"/bin/*
box_run() { PATH="$box/bin:$PATH" "$@"; }
factory() { # both slots hold 0.1.0, and A was found good
  for slot in A B; do
    rm -f "$box/boot/$slot"/*
    printf 'VERSION=0.1.0\nROOT_HASH=aa11\n' >"$box/boot/$slot/slot.env"
    echo kernel >"$box/boot/$slot/vmlinuz"
    echo initrd >"$box/boot/$slot/initrd"
  done
  echo aa11 >"$box/boot/A/good"
  cp "$box/factory.env" "$box/boot/ab.env"
  echo "quiet sonolamp.slot=A" >"$box/cmdline"
  echo "old root" >"$box/slotB"
  rm -f "$box"/state/highest "$box/cut" "$box/reboots" "$box"/run/*
  echo active >"$box/active"
  echo 0 >"$box/restarts"
  echo 0 >"$box/self-test"
}
content() { (cd "$box" && find boot slotB -type f -exec sha256sum {} + | sort | sha256sum); }
counts() { tr -d '\0' <"$box/boot/ab.env" | sed -n 's/^BOOT_[A-Z_]*=//p' | paste -sd ' '; } # A_LEFT B_LEFT ORDER

echo "      refused on this machine"
refused=0
refuse() { # STICK: it says no, in the right words, and has changed nothing
  local name=${1##*/} before code=0
  before=$(content)
  box_run deploy/update/root/usr/bin/sonolamp-update "$1" >"$work/said" 2>&1 || code=$?
  if [ $code = 1 ] && grep -qE "$(cat "$1/words")" "$work/said" && grep -qE "$(cat "$1/words")" "$1/sonolamp-update.txt" &&
    [ "$(content)" = "$before" ]; then
    pass "$name: $(tail -n 1 "$work/said" | cut -c 4-)"
    refused=$((refused + 1))
  else
    fails "$name: code $code, $(tail -n 1 "$work/said"), content $([ "$(content)" = "$before" ] && echo same || echo changed)"
  fi
}
factory
for stick in "$work"/sticks/*/; do
  [ "$(cat "$stick/stage")" = block ] || refuse "${stick%/}"
done
rm -f "$work"/sticks/*/sonolamp-update.txt

echo "      the counters"
boot_state() { $lib/boot-state "$@" 2>/dev/null; }
# shellcheck disable=SC2317 # by `check`
is() { [ "$1" = "$2" ] || { echo "      $1, not $2"; return 1; }; }
for wrong in '' 'noise' 'BOOT_ORDER=C' "$(head -c 44 /dev/urandom | tr -d '\0')"; do
  printf '%s' "$wrong" >"$box/boot/ab.env"
  check "a spoilt ab.env counts as a new one" is "$(boot_state get-primary) $(boot_state get-state B)" "A good"
  boot_state set-state B bad
  check "and is mended by the next change" is "$(counts)" "3 0 A B"
done
rm "$box/boot/ab.env"
check "and a missing one" is "$(boot_state get-primary)" A
cp "$box/factory.env" "$box/boot/ab.env"
boot_state set-primary B
check "the other slot first" is "$(counts)" "3 3 B A"
check "in one sector, as long as it was" is "$(stat -c %s "$box/boot/ab.env")" 44
boot_state set-state B bad
check "used up: the first one's turn" is "$(boot_state get-primary)" A
rm "$box/boot/B/slot.env"
check "a slot without slot.env is none" is "$(boot_state get-state B)" bad
check "and does not come first" is "$(boot_state set-primary B && echo ok || echo refused)" refused
check "no slot C" is "$(boot_state set-primary C && echo ok || echo refused)" refused

echo "      installed, tried, kept or not"
good=$work/good
mkdir "$good"
cp -R "$work/sticks/flipped-magic" "$work/x" # (a folder with everything but a sound first byte)
cp "$work/x/sonolamp-0.2.0.raucb" "$good/sonolamp-0.2.0.raucb"
printf 'h' | dd of="$good/sonolamp-0.2.0.raucb" conv=notrunc status=none
update() { box_run deploy/update/root/usr/bin/sonolamp-update "$good" >"$work/said" 2>&1; }
# shellcheck disable=SC2317 # by `check`
says() { grep -q "$1" "$work/said" || { cat "$work/said"; return 1; }; }
start() { # SLOT: what U-Boot does
  case $1 in A) sed -i 's/^BOOT_A_LEFT=3/BOOT_A_LEFT=2/' "$box/boot/ab.env" ;; B) sed -i 's/^BOOT_B_LEFT=3/BOOT_B_LEFT=2/' "$box/boot/ab.env" ;; esac
  echo "quiet sonolamp.slot=$1" >"$box/cmdline"
}
mark_good() { SONOLAMP_MINUTE=4 SONOLAMP_PATIENCE=3 box_run $lib/mark-good >"$work/said" 2>&1; }
factory
check "the good update is installed" update
check "with words for the operator" grep -q 'switch the box off and on' "$good/sonolamp-update.txt"
check "tried next" is "$(counts)" "3 3 B A"
check "its root, kernel and facts are there" cmp -s "$box/mounted/root.img" "$box/slotB"
check "the stick again: nothing is written twice" update
check "the running slot is not written to" is "$(cmp -s "$box/mounted/vmlinuz" "$box/boot/B/vmlinuz" && cat "$box/boot/A/vmlinuz")" kernel
start B
mark_good
check "after a minute and the self-test it is kept" is "$(counts) $(cat "$box/state/highest")" "3 3 B A 0.2.0"
check "with words on the screen" grep -q '^Version 0.2.0 passed its test and stays' "$box/run/status"
check "and the box does not restart" is "$(cat "$box/reboots" 2>/dev/null)" ""
refuse "$work/sticks/older-0.1.0~rc1"
update || true
check "the same version: nothing to do" says 'runs already'
rm -f "$box/state/highest"
refuse "$work/sticks/older-0.0.9"
mark_good
check "the highest version is noted anew" is "$(cat "$box/state/highest")" 0.2.0
start A
refuse "$work/sticks/older-0.0.9"
mark_good
check "back on the older slot: it says so" says 'install that again'

trial() { # WHAT WORDS: the update, its first start with what the caller broke, and the way back
  start B
  mark_good
  check "$1: not kept, with words" says "$2"
  check "$1: the old slot's turn, with a restart" is "$(counts) $(cat "$box/reboots")" "3 0 A B reboot"
  check "$1: no version is noted" is "$(cat "$box/state/highest" 2>/dev/null)" ""
  start A
  mark_good
  check "$1: the old version says so" says '0.2.0 was tried and not kept'
  check "$1: and keeps its tries" is "$(counts)" "3 0 A B"
  check "$1: the same update is not tried again by itself" is "$(update || echo refused)" refused
  : >"$good/try-again.txt"
  check "$1: but when asked to" update
  rm "$good/try-again.txt"
}
factory && update
echo 1 >"$box/self-test"
trial "self-test fails" 'self-test failed'
factory && update
echo failed >"$box/active"
trial "the program does not start" 'did not start'
factory && update
(sleep 3 && echo 1 >"$box/restarts") &
trial "the program ends within its first minute" 'ended within'
echo active >"$box/active"

factory
rm "$box/boot/A/good"
echo 1 >"$box/self-test"
mark_good
check "the first version's trial is not told as an update" is "$(cat "$box/run/status" 2>/dev/null)" ""
check "it has none to go back to: no restart" is "$(counts) $(cat "$box/reboots" 2>/dev/null)" "3 3 A B "
echo 0 >"$box/self-test"
factory
update
start B
check "on trial, the version before is not written over" is "$(sed -i s/0.2.0/0.3.0/ "$box/boot/B/slot.env"; update && echo ok || echo refused)" refused
factory
: >"$box/cut"
check "an install that breaks off" is "$(update && echo ok || echo refused)" refused
check "leaves the other slot none" is "$(counts) $(ls "$box/boot/B")" "3 0 A B "
rm "$box/cut"
check "and the next install mends it" update

# The power goes before the N-th command that changes something, a copy being half done; what comes after does not
# happen. Whatever N: the running slot stays whole, and the other one comes first only when it is.
mkdir "$box/cutting"
for tool in cp mv rm dd mkdir sync; do
  cat >"$box/cutting/$tool" <<END
#!/bin/sh
read -r left <$box/left
echo \$((left - 1)) >$box/left
if [ \$left -gt 0 ]; then exec $(command -v $tool) "\$@"; fi
if [ \$left = 0 ] && [ $tool = cp ] && [ \$# = 2 ]; then head -c 1000 "\$1" >"\$2"; fi
exit 1
END
done
chmod 755 "$box"/cutting/*
same() { cmp -s "$1" "$2"; }
sound() {
  [ "$(stat -c %s "$box/boot/ab.env")" = 44 ] && [ "$(boot_state get-state A)" = good ] || return 1
  same "$box/boot/A/vmlinuz" "$box/kernel" || return 1
  if [ ! -e "$box/boot/B/slot.env" ]; then
    [ "$(boot_state get-primary)" = A ]
  elif same "$box/boot/B/slot.env" "$box/mounted/slot.env"; then
    same "$box/boot/B/vmlinuz" "$box/mounted/vmlinuz" && same "$box/boot/B/initrd" "$box/mounted/initrd" &&
      same "$box/slotB" "$box/mounted/root.img"
  else
    same "$box/boot/B/vmlinuz" "$box/kernel" && same "$box/slotB" "$box/old-root"
  fi
}
echo kernel >"$box/kernel"
echo "old root" >"$box/old-root"
unsound=0 cuts=0
while :; do
  factory
  echo $cuts >"$box/left"
  done_all=$(PATH="$box/cutting:$box/bin:$PATH" $lib/../../bin/sonolamp-update "$good" >"$work/said" 2>&1 && echo yes || echo no)
  sound || { unsound=$((unsound + 1)); echo "      unsound after $cuts commands"; }
  cuts=$((cuts + 1))
  if [ "$done_all" = yes ] || [ $cuts -ge 100 ]; then break; fi
done
check "power gone before each of $((cuts - 1)) commands: no slot is half bootable" is $unsound 0
check "and they were counted to the end" is "$done_all $(counts)" "yes 3 3 B A"
echo "      models"
model=$work/model
mkdir -p "$model/mine" "$box/models"
echo 'name = "mine"' >"$model/mine/bundle.toml"
ln -s before "$box/models/current"
bring() { SONOLAMP_MINUTE=3 SONOLAMP_PATIENCE=2 box_run deploy/update/root/usr/bin/sonolamp-update "$model" >"$work/said" 2>&1; }
factory
check "a model bundle is taken into use" bring
check "with words" says 'Model mine is in use: a model is installed'
check "the stick again" bring
check "changes nothing" says 'in use already'
echo "# newer" >>"$model/mine/bundle.toml"
echo failed >"$box/active"
current() { readlink "$box/models/current" || echo built-in; }
check "with which the program does not start" is "$(bring && echo ok || echo refused) $(current)" "refused before"
echo active >"$box/active"
(sleep 2 && echo 7 >"$box/restarts") &
check "with which it ends within a minute" is "$(bring && echo ok || echo refused) $(current)" "refused before"
check "in words" says 'is not kept: the program ended within its first minute. In use is before'
: >"$box/no-way-back"
(sleep 2 && echo 8 >"$box/restarts") &
check "and no way back but to the built-in one" is "$(bring && echo ok || echo refused) $(current)" "refused built-in"
rm "$box/no-way-back"
on_trial() { if [ -e "$box/state/model-trial" ]; then echo "on trial"; fi; }
check "no trial is left over" is "$(on_trial)" ""
cut_off() { # the power went while a model was on trial
  ln -sfn new "$box/models/current"
  echo before >"$box/state/model-trial"
}
start A
cut_off
mark_good
check "cut off by the power and good: it stays" is "$(current) $(on_trial)" "new "
cut_off
(sleep 2 && echo 9 >"$box/restarts") &
mark_good
check "cut off by the power and not good: it goes" is "$(current) $(on_trial)" "before "
check "and the screen says so" grep -q '^The new model is not kept: .* In use is before' "$box/run/status"
cut_off
check "cut off, and the stick again: it is tried" bring
check "and stays" is "$(current) $(on_trial)" "$(cksum <"$model/mine/bundle.toml" | cut -c -5) "
: >"$model/built-in-model.txt"
mv "$model/mine" "$work/mine"
check "the built-in model, when asked for" bring
check "is in use" is "$(current)" built-in
rm "$model/built-in-model.txt"
mv "$work/mine" "$model/mine"
echo 1 >"$box/self-test"
check "one that the program refuses" is "$(bring && echo ok || echo refused)" refused
check "in its words" grep -q 'Model mine is refused: sonolamp: it is not signed' "$model/sonolamp-update.txt"
mkdir "$model/other"
cp "$model/mine/bundle.toml" "$model/other/"
bring || true
check "two at once" says 'more than one model bundle'
rm -r "$model"
check "a card without a key for updates" is "$(SONOLAMP_RAUC_CONF=/dev/null update && echo ok || echo refused; tail -n 1 "$work/said" | grep -c 'without a key')" "refused
1"
  echo "      $passed passed, $failed failed; $refused updates refused on this machine"
  [ $failed = 0 ]
  exit
fi

# --- on the virtual board ----------------------------------------------------------------------------
image=$(realpath "$1") slot=$(realpath "$2")
out=${3:-$work/out}
mkdir -p "$out"
uboot=/usr/lib/u-boot/qemu_arm64/u-boot.bin
for pair in qemu-system-aarch64:qemu-system-arm mcopy:mtools mkfs.vfat:dosfstools mke2fs:e2fsprogs python3:python3; do
  command -v "${pair%%:*}" >/dev/null || fail "missing: apt-get install ${pair#*:}"
done
[ -f "$uboot" ] || fail "missing: apt-get install u-boot-qemu"
[ -f "$slot/slot.env" ] || fail "no image or no slot: make them with deploy/card/build.sh"
old=$(sed -n 's/^VERSION=//p' "$slot/slot.env")
new=9.0.0 between=8.0.0
faults=${SONOLAMP_FAULTS-no-kernel kernel-noise initrd-cut root-flipped hash-wrong self-test ends not-ready power-cut panic}

# The good update: the same slot by another version.
disk=$work/disk
mkdir "$disk" "$work/new"
ln -s "$slot"/{root.img,vmlinuz,initrd} "$work/new/"
sed "s/^VERSION=.*/VERSION=$new/" "$slot/slot.env" >"$work/new/slot.env"
mkdir "$disk/good"
: >"$disk/good/try-again.txt" # each fault's turn
deploy/update/bundle.sh "$work/new" "$work/keys" "$disk/good" >/dev/null
# What the box must not take after that, and took before.
mkdir "$disk/older-now"
unsquashfs -q -n -d "$work/old" "$work/sticks/two-updates/sonolamp-0.2.0.raucb" >/dev/null 2>&1
sed -i "s/^VERSION=.*/VERSION=$between/" "$work/old/slot.env"
sed -i "s/^version=.*/version=$between/; /^\(sha256\|size\)=/d" "$work/old/manifest.raucm"
rauc --cert="$work/keys/sign.pem" --key="$work/keys/sign.key" bundle "$work/old" "$disk/older-now/sonolamp-0.2.0.raucb" >/dev/null 2>&1
echo 'is older' >"$disk/older-now/words"

cp -R tests/card/update/{hook,guest.sh,program,update-test.service} "$disk/"
mkdir "$disk/sticks"
for stick in "$work"/sticks/*; do
  [[ ${stick##*/} =~ ${SONOLAMP_STICKS:-.} ]] || continue
  cp -R "$stick" "$disk/sticks/"
done
cp "$work/keys/ca.pem" "$disk/keyring.pem"
echo "$old" >"$disk/old"
echo "$new" >"$disk/new"
echo "$faults" >"$disk/faults"
echo "${SONOLAMP_STANDIN:-}" >"$disk/stand-in"
echo "${SONOLAMP_ONLY:-}" >"$disk/only"
chmod 755 "$disk"/{hook,guest.sh,program}
mke2fs -q -t ext4 -L SONOTEST -d "$disk" "$work/test.img" 320M
usb() { # NAME FILE: a stick with one bundle
  truncate -s 200M "$work/$1.stick"
  mkfs.vfat -n STICK "$work/$1.stick" >/dev/null
  mcopy -i "$work/$1.stick" "$2" ::/
}
usb old "$work/sticks/older-0.0.9/sonolamp-0.2.0.raucb"
usb good "$disk/good/sonolamp-$new.raucb"

cp --sparse=always "$image" "$work/card.img"
truncate -s 2G "$work/card.img"
log=$out/update.log
: >"$log"
# A slow stick, so that there is time to pull it.
timeout "${SONOLAMP_LIMIT:-5400}" qemu-system-aarch64 -M virt -cpu cortex-a72 -smp 2 -m 1024 -bios "$uboot" -nic none -display none \
  -drive "if=none,id=card,format=raw,file=$work/card.img" -device virtio-blk-pci,drive=card \
  -drive "if=none,id=test,format=raw,readonly=on,file=$work/test.img" -device virtio-blk-pci,drive=test \
  -device virtio-gpu-pci -device virtio-rng-pci -device qemu-xhci,id=usb \
  -object throttle-group,id=slow,x-bps-total=8000000 \
  -blockdev "driver=throttle,node-name=old,throttle-group=slow,file.driver=file,file.filename=$work/old.stick" \
  -blockdev "driver=throttle,node-name=good,throttle-group=slow,file.driver=file,file.filename=$work/good.stick" \
  -serial "file:$log" -monitor "unix:$work/monitor,server=on,wait=off" </dev/null &
emulator=$!
monitor() { python3 tests/card/monitor.py "$work/monitor" "$@" >>"$out/monitor.log" 2>&1; }

echo "      on the virtual board"
refused_there=0 rolled_back=0
while IFS= read -r line; do
  case $line in
    "PASS  "*)
      pass "${line#PASS  }"
      case $line in
        *" refused: "* | *" stick pulled "*"says so"* | *"refused by itself"*) refused_there=$((refused_there + 1)) ;;
        *"runs again"*) rolled_back=$((rolled_back + 1)) ;;
      esac
      ;;
    "FAIL  "*) fails "${line#FAIL  }" ;;
    "HOST stick-in "*) monitor "device_add usb-storage,drive=${line##* },id=stick,bus=usb.0" ;;
    "HOST stick-out "*) monitor "device_del stick" ;;
    "UPDATE done"*) break ;;
    *) echo "      $line" ;;
  esac
done < <(tail -n +1 -f --pid=$emulator -s 0.5 "$log" | sed -u 's/[\r\x00]//g' |
  grep --line-buffered -aE '^(PASS|FAIL|HOST|UPDATE|      )|sonolamp:')
grep -aq '^UPDATE done' "$log" || fails "the board came to the end"
kill "$emulator" 2>/dev/null || true
wait "$emulator" 2>/dev/null || true
emulator=""
[ -n "${SONOLAMP_ONLY:-}" ] || check "the stick tells of it too" grep -q 'is older' <(mtype -i "$work/old.stick" ::/sonolamp-update.txt)
echo "      $passed passed, $failed failed; on the board $refused_there updates refused, $rolled_back rolled back"
[ $failed = 0 ]

#!/bin/bash
# Makes the virtual board's kernel and modules: Debian's own arm64 kernel, and gpio-sim, which
# Debian does not build. Prints the folder, which holds `vmlinuz`, `pi3.dtb`, `modules/`,
# `busybox` and `root/` (the C library, and v4l2-ctl with its own).
#
# Kernel, headers and source must be of one version; the newest that apt knows is taken.
set -euo pipefail

source_version=6.1
cache="${XDG_CACHE_HOME:-$HOME/.cache}/sonolamp/board"

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

missing=()
for pair in qemu-system-aarch64:qemu-system-arm cpio:cpio depmod:kmod xz:xz-utils make:make \
  aarch64-linux-gnu-gcc-12:gcc-12-aarch64-linux-gnu; do
  PATH="$PATH:/usr/sbin" command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
done
{
  dpkg --print-foreign-architectures | grep -qx arm64 || as_root dpkg --add-architecture arm64
  # The package lists of a new architecture, and of a machine that has been standing for a while.
  apt-cache show linux-image-arm64:arm64 >/dev/null 2>&1 || as_root apt-get update -q
  [ "${#missing[@]}" -eq 0 ] ||
    as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -q -y --no-install-recommends "${missing[@]}"
} >&2
export PATH="$PATH:/usr/sbin"

kernel=$(apt-cache show linux-image-arm64:arm64 | sed -n 's/^Depends: linux-image-\([^ :]*\)-arm64.*/\1/p' | head -n 1)
# Named by this script's content too: what an older one made may lack something.
folder="$cache/$kernel-$(cksum <"$0" | cut -d ' ' -f 1)"
if [ -e "$folder/complete" ]; then
  echo "$folder"
  exit
fi
echo "board: fetching Debian's kernel $kernel and building gpio-sim" >&2
rm -rf "$folder"
mkdir -p "$folder/deb" "$folder/x"
(
  cd "$folder/deb"
  v4l=(v4l-utils libv4l-0 libv4lconvert0 libv4l2rds0 libjpeg62-turbo libstdc++6 libgcc-s1 libudev1 zlib1g libc6)
  apt-get download -q "linux-image-$kernel-arm64:arm64" "linux-headers-$kernel-arm64:arm64" \
    "linux-headers-$kernel-common" "linux-kbuild-$source_version" "linux-source-$source_version" \
    busybox-static:arm64 "${v4l[@]/%/:arm64}"
  for package in linux-image* linux-headers* linux-kbuild* linux-source* busybox*; do
    dpkg -x "$package" "$folder/x"
    rm "$package"
  done
  for package in *; do dpkg -x "$package" "$folder/x/root"; done
) >&2

# gpio-sim outside the kernel's tree, with the interrupt simulator it needs.
source="$folder/gpio-sim"
mkdir -p "$source"
tar -xJf "$folder/x/usr/src/linux-source-$source_version.tar.xz" -C "$source" --strip-components 3 \
  --wildcards '*/drivers/gpio/gpio-sim.c' '*/drivers/gpio/gpiolib.h' '*/kernel/irq/irq_sim.c'
headers="$folder/x/usr/src/linux-headers-$kernel-arm64"
sed -i "s#^include .*#include $folder/x/usr/src/linux-headers-$kernel-common/Makefile#" "$headers/Makefile"
# The headers name the build scripts by the path where the package would install them.
ln -sfn "$folder/x/usr/lib/linux-kbuild-$source_version/scripts" "$headers/scripts"
ln -sfn "$folder/x/usr/lib/linux-kbuild-$source_version/tools" "$headers/tools"
mv "$source/gpio-sim.c" "$source/gpio-sim-main.c"
# irq_to_desc is not exported to modules; generic_handle_irq does the same by number.
sed -i -e 's#^EXPORT_SYMBOL_GPL.*##' \
  -e 's/handle_simple_irq(irq_to_desc(irqnum));/generic_handle_irq(irqnum);/' "$source/irq_sim.c"
printf 'obj-m := gpio-sim.o\ngpio-sim-y := gpio-sim-main.o irq_sim.o\n' >"$source/Makefile"
make -C "$headers" M="$source" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- \
  CC=aarch64-linux-gnu-gcc-12 modules >&2

cp "$folder/x/boot/vmlinuz-$kernel-arm64" "$folder/vmlinuz"
cp "$folder/x/usr/lib/linux-image-$kernel-arm64/broadcom/bcm2837-rpi-3-b.dtb" "$folder/pi3.dtb"
cp "$folder/x/bin/busybox" "$folder/busybox"
tree="lib/modules/$kernel-arm64"
depmod -b "$folder/x" "$kernel-arm64"
mkdir -p "$folder/modules/$tree"
cp "$folder/x/$tree"/modules.{order,builtin,builtin.modinfo} "$folder/modules/$tree"
for module in vivid configfs virtio_pci virtio_blk ext4 crc32c_generic vfat nls_cp437 nls_ascii; do
  modprobe -d "$folder/x" -S "$kernel-arm64" --show-depends "$module"
done | awk '/^insmod/ { print $2 }' | sort -u | while read -r file; do
  inside=${file#*"$folder/x/"}
  mkdir -p "$folder/modules/$(dirname "$inside")"
  cp "$file" "$folder/modules/$inside"
done
cp "$source/gpio-sim.ko" "$folder/modules/$tree/"
depmod -b "$folder/modules" "$kernel-arm64"
mkdir -p "$folder/root/bin" "$folder/root/lib"
cp "$folder/x/root/usr/bin/v4l2-ctl" "$folder/root/bin/"
cp -L "$folder"/x/root/{,usr/}lib/aarch64-linux-gnu/*.so.* "$folder/root/lib/"
cp -L "$folder/x/root/lib/ld-linux-aarch64.so.1" "$folder/root/lib/"
rm -rf "$folder/x" "$folder/deb" "$source"
touch "$folder/complete"
echo "$folder"

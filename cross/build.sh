#!/bin/sh
# Makes the aarch64 program on a Debian or Ubuntu x86-64 machine with Rust:
#
#   cross/build.sh [PROFILE] [BOARD]
#
# PROFILE is a cargo profile: `dist` (default; small, slow to build), `release` or `dev`.
# BOARD is `any` (default; every 64-bit board), `pi4`, `pi5` or `orin`, and lets the compiler use
# what that processor has. The program runs on any Linux with glibc 2.31 or newer.
set -eu
cd "$(dirname "$0")/.."

profile=${1:-dist}
board=${2:-any}
case $board in
  any) ;;
  pi4) cpu=cortex-a72 ;;
  pi5) cpu=cortex-a76 ;;
  orin) cpu=cortex-a78ae ;;
  *) echo "cross/build.sh: no board \`$board\`; choose any, pi4, pi5 or orin" >&2; exit 2 ;;
esac
[ "$board" = any ] || export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-C target-cpu=$cpu"

. cross/toolchain.sh
cross_cargo zigbuild --profile "$profile"

folder=$profile
[ "$profile" != dev ] || folder=debug
program="$target_dir/$target/$folder/sonolamp"

# A program that asks for a newer C library would start here and fail on the board.
newest=$(aarch64-linux-gnu-readelf -V "$program" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
oldest=$(printf '%s\n%s\n' "$newest" "GLIBC_$glibc" | sort -V | tail -n 1)
if [ "$oldest" != "GLIBC_$glibc" ]; then
  echo "cross/build.sh: $program needs $newest, newer than GLIBC_$glibc" >&2
  exit 1
fi
size=$(wc -c <"$program")
echo "$program: $((size / 1024 / 1024)) MB, needs at most $newest and"
aarch64-linux-gnu-readelf -d "$program" | sed -n 's/.*Shared library: \[\(.*\)\]/  \1/p'

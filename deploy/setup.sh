#!/bin/sh
# Installs what building and testing need and this machine lacks: a C compiler and make, libclang
# (the camera bindings are generated when they are built), ffmpeg (video files) and tmux (the test that
# goes through an exam on the dashboard). Safe to repeat.
set -eu

rust_needed=1.91

missing=""
command -v cc >/dev/null 2>&1 || missing="$missing build-essential"
command -v make >/dev/null 2>&1 || missing="$missing make"
command -v ffmpeg >/dev/null 2>&1 || missing="$missing ffmpeg"
command -v tmux >/dev/null 2>&1 || missing="$missing tmux"
[ -x /bin/kill ] || missing="$missing procps"
# bindgen wants the library and clang's own headers; libclang-dev brings both.
ls /usr/lib/llvm-*/lib/libclang.so* /usr/lib/*/libclang*.so* >/dev/null 2>&1 &&
  ls -d /usr/lib/llvm-*/lib/clang/*/include /usr/lib/clang/*/include >/dev/null 2>&1 ||
  missing="$missing libclang-dev"

if [ -n "$missing" ]; then
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: please install these with your package manager:$missing" >&2
    exit 1
  fi
  echo "setup: installing$missing"
  as_root=""
  [ "$(id -u)" -eq 0 ] || as_root="sudo"
  $as_root apt-get update -q
  # shellcheck disable=SC2086 # a list of package names
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
fi

if ! command -v cargo >/dev/null 2>&1; then
  echo "setup: Rust is missing; install it from https://rustup.rs and open a new shell" >&2
  exit 1
fi
version=$(cargo --version | cut -d ' ' -f 2)
oldest=$(printf '%s\n%s\n' "$rust_needed" "$version" | sort -V | head -n 1)
if [ "$oldest" != "$rust_needed" ]; then
  echo "setup: Rust $version is too old, $rust_needed is needed; run: rustup update" >&2
  exit 1
fi

# Sourced by the other scripts: finds or installs what turns this tree into aarch64 programs, and
# sets `target`, `target_dir` and the function `cross_cargo`.
#
# Rust: rustup's own standard library for the target where rustup has it or can fetch it, else (or
# with CROSS_RUST=debian) Debian's cross compiler. Linker and C compiler: zig, because it links
# against a glibc as old as JetPack 5's, so that one program serves every board.

target=aarch64-unknown-linux-gnu
glibc=2.31
zigbuild_version=0.24.0
zig_version=0.17.1
tools="${XDG_CACHE_HOME:-$HOME/.cache}/sonolamp/cross-tools"
# Beside the host's artifacts: another compiler may be at work here.
target_dir="${CARGO_TARGET_DIR:-target}/cross"

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

install() {
  as_root apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

needs=""
needed() { # PATH PACKAGE
  [ -e "$1" ] || needs="$needs $2"
}
needed /usr/aarch64-linux-gnu/include/stdlib.h libc6-dev-arm64-cross
needed /usr/aarch64-linux-gnu/include/linux/videodev2.h linux-libc-dev-arm64-cross
needed /usr/bin/aarch64-linux-gnu-readelf binutils-aarch64-linux-gnu
python3 -c 'import ensurepip' 2>/dev/null || needs="$needs python3-venv"

rust_std="$(rustc --print sysroot)/lib/rustlib/$target/lib"
if [ "${CROSS_RUST:-}" != debian ] &&
  { [ -d "$rust_std" ] || rustup target add "$target" 2>/dev/null; }; then
  debian_rust=""
else
  debian_rust=yes
  needed /usr/bin/rustc rustc-web
  needed /usr/bin/cargo cargo-web
  # Present once the package below is: its path holds the compiler's version.
  ls -d /usr/lib/rustlib/"$target" >/dev/null 2>&1 || {
    as_root dpkg --add-architecture arm64
    needs="$needs libstd-rust-web-dev:arm64"
  }
fi
# shellcheck disable=SC2086 # a list of package names
[ -z "$needs" ] || install $needs

if ! "$tools/bin/cargo-zigbuild" --version 2>/dev/null | grep -q "$zigbuild_version"; then
  python3 -m venv "$tools"
  "$tools/bin/pip" install -q "cargo-zigbuild==$zigbuild_version" "ziglang==$zig_version"
fi

# cross_cargo VERB ARGUMENTS...: cargo for the target, linked by zig.
cross_cargo() (
  PATH="$tools/bin:$PATH"
  if [ -n "$debian_rust" ]; then
    PATH="$tools/bin:/usr/bin:/bin"
    RUSTC=/usr/bin/rustc CARGO=/usr/bin/cargo
    export RUSTC CARGO
  fi
  verb=$1
  shift
  cargo-zigbuild "$verb" --locked --target "$target.$glibc" --target-dir "$target_dir" "$@"
)

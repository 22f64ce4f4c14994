#!/bin/sh
# Fuzzes what reads foreign bytes, with libFuzzer: dicom, bundle, config, store.
#
#   tests/fuzz/run.sh TARGET [SECONDS] [SEED...]
#
# SEEDs are files or folders that the first inputs are taken from, beside those that this script makes
# of the repository's own (`seeds.py` makes small DICOM files). The corpus is kept small under target/fuzz; what
# crashes lies in target/fuzz/TARGET-crashes. Needs `cargo install cargo-fuzz` and a C++ compiler.
set -eu
cd "$(dirname "$0")/../.."
target=${1:?tests/fuzz/run.sh TARGET [SECONDS] [SEED...]}
seconds=${2:-1800}
shift "$(($# < 2 ? $# : 2))"

corpus="target/fuzz/$target-corpus" crashes="target/fuzz/$target-crashes" seeds="target/fuzz/$target-seeds"
mkdir -p "$corpus" "$crashes" "$seeds"
case $target in
  bundle)
    for bundle in models/lung models/breast models/xray; do
      name=$(basename "$bundle")
      { printf '#'; cat "$bundle/bundle.toml"; } > "$seeds/$name.toml"
    done
    { printf '!'; cat models/xray/xray.onnx; } > "$seeds/xray.onnx"
    ;;
  config) cp deploy/sonolamp.toml "$seeds/" ;;
esac
for seed in "$@"; do cp -r "$seed" "$seeds/"; done

# Without sanitizers a stable compiler will do: there is no unsafe code outside the kernels.
# A panic anywhere, more than 2 GB or more than 20 s end the run.
RUSTFLAGS="${RUSTFLAGS:-} -Ccodegen-units=16" \
  cargo fuzz run --fuzz-dir tests/fuzz --target-dir target/fuzz/build -s none "$target" \
  "$corpus" "$seeds" -- -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=200000 \
  -artifact_prefix="$crashes/" -print_final_stats=1

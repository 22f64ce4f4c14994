#!/bin/sh
# Compares the int8 engine with its peers on the shipped network and on eight of the field's shapes:
# every tensor with ONNX Runtime's, and times, interleaved, one thread. Then the whole frame path with
# one of Python, OpenCV and ONNX Runtime, at two sizes.
#
#   tests/peers/run.sh [FOLDER [OPTION...]]
#
# FOLDER keeps Python packages, networks and the peers' own forms of them (target/peers). Options go
# to compare.py and frame_path.py: --held avx2 or --held avxvnni holds every side to that
# instruction set.
#
# Downloads the peers from PyPI and crates.io, about 300 MB. Run it on a machine that does nothing
# else.
set -eu
cd "$(dirname "$0")/../.."

folder=${1:-target/peers}
[ $# -eq 0 ] || shift
[ -x "$folder/venv/bin/python" ] || python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install -q -r tests/peers/requirements.txt
[ -d "$folder/networks" ] || "$python" tests/peers/networks.py "$folder/networks"
cargo build --release --locked
CARGO_TARGET_DIR="$folder/rten" \
  cargo build --release --locked --manifest-path tests/peers/rten/Cargo.toml
sonolamp="${CARGO_TARGET_DIR:-target}/release/sonolamp"
"$python" tests/peers/agreement.py "$sonolamp" models/lung/lung.onnx "$folder"/networks/*.q*.onnx
"$python" tests/peers/compare.py "$sonolamp" "$folder/networks" models/lung/lung.onnx "$@"
[ -d "$folder/clips" ] || "$python" tests/peers/clips.py "$sonolamp" "$folder/clips"
"$python" tests/peers/frame_path.py "$sonolamp" "$folder/clips" "$@"

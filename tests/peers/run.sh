#!/bin/sh
# Compares the int8 engine with its peers on the shipped networks and on nine of the field's shapes:
# every tensor with ONNX Runtime's, and times, interleaved, one thread. Then the whole frame path with
# one of Python, OpenCV and ONNX Runtime, at two sizes.
#
#   tests/peers/run.sh [FOLDER] [OPTION...]
#
# FOLDER keeps Python packages, networks and the peers' own forms of them (target/peers). Options go
# to compare.py and frame_path.py: --held avx2 or --held avxvnni holds every side to that
# instruction set.
#
# Downloads the peers from PyPI and crates.io, about 300 MB. Holding needs a C compiler and objdump,
# and copies the Python packages once, in a minute or two. Run it on a machine that does nothing else.
set -eu
cd "$(dirname "$0")/../.."

case ${1:--} in
  -*) folder=target/peers ;;
  *) folder=$1; shift ;;
esac
[ -x "$folder/venv/bin/python" ] || python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install -q -r tests/peers/requirements.txt
# Its package asks for PyTorch, which only its Python functions need: the program in it is whole.
"$python" -m pip install -q --no-deps pnnx==20261020
[ -d "$folder/networks" ] || "$python" tests/peers/networks.py "$folder/networks"
cargo build --release --locked
CARGO_TARGET_DIR="$folder/rten" \
  cargo build --release --locked --manifest-path tests/peers/rten/Cargo.toml
sonolamp="${CARGO_TARGET_DIR:-target}/release/sonolamp"
bundles="models/lung/lung.onnx models/breast/breast.onnx models/xray/xray.onnx"
# shellcheck disable=SC2086 # several words
{
  "$python" tests/peers/converted.py "$folder/networks" $bundles
  "$python" tests/peers/agreement.py "$sonolamp" $bundles "$folder"/networks/*.q*.onnx
  "$python" tests/peers/compare.py "$sonolamp" "$folder/networks" $bundles "$@"
}
[ -d "$folder/clips" ] || "$python" tests/peers/clips.py "$sonolamp" "$folder/clips"
"$python" tests/peers/frame_path.py "$sonolamp" "$folder/clips" "$@"

#!/bin/sh
# The figures of the lung bundle's card but the studies (lung_studies.py) and COVID-BLUES, which is looked at once
# a release. Writes ../results:
#   figures.sh DATA WORK      DATA holds lung_pocus/, medmnist/, busi/, dicom_us/, device_captures/; WORK is lung.py's
#                             cache. SONOLAMP, PYTHON: other programs.
set -eu
cd "$(dirname "$0")/../.."
data=${1:?figures.sh DATA WORK} work=${2:?figures.sh DATA WORK}
sonolamp=${SONOLAMP:-target/release/sonolamp}
videos=$data/lung_pocus/videos
python=${PYTHON:-python3}

"$sonolamp" evaluate "$work/labels.csv" --root "$videos" --fold-bundles models/lung/folds \
  --fold fold --fold fold1 --fold fold2 --fold fold3 --fold fold4 --by source \
  --json models/results/lung.json --html "$work/lung.html"
"$sonolamp" evaluate "$work/labels.csv" --root "$videos" --fold-bundles models/lung/folds \
  --fold site --by site --json models/results/lung-site.json
"$sonolamp" bundle explain models/lung --seeds 1-60 --json > models/results/lung-map.json
"$sonolamp" bundle explain models/lung --seeds 1-60 --json --shuffled > models/results/lung-map-shuffled.json

# Filmed by a shaking hand, since a clip bundle declines a still whatever it shows.
strangers=$work/strangers-test
if [ ! -f "$strangers/strangers.csv" ]; then
  "$python" models/train/strangers.py --mode test --seed 1 --seconds 1.5 --data "$data" --out "$strangers"
fi
"$sonolamp" evaluate "$strangers/strangers.csv" --bundle models/lung --expect ungradable --by kind \
  --json models/results/lung-strangers.json

#!/bin/bash
# Makes the keys with which a builder signs updates:
#
#   deploy/update/keys.sh FOLDER        an authority (ca.key, ca.pem) and a signing key (sign.key, sign.pem)
#   deploy/update/keys.sh FOLDER renew  another signing key of the authority that is there
#
# ca.pem goes into every card (SONOLAMP_UPDATE_CA of deploy/card/build.sh) and is no secret. ca.key is
# needed for `renew` alone: keep it on paper or on a stick in a safe, and a copy in another. The folder
# must lie outside the repository. Needs openssl.
#
# A box has no clock to trust, so a certificate counts by the time that the signature names: its end
# (20 years for the authority, 2 for a signing key) holds a builder to his rules, and no thief.
set -euo pipefail
fail() { echo "deploy/update/keys.sh: $*" >&2; exit 1; }
[ $# = 1 ] || { [ $# = 2 ] && [ "$2" = renew ]; } || fail "usage: deploy/update/keys.sh FOLDER [renew]"
command -v openssl >/dev/null || fail "missing: apt-get install openssl"
umask 077
mkdir -p "$1"
cd "$1"
! git rev-parse --is-inside-work-tree >/dev/null 2>&1 || fail "$1 lies in a git repository: keys do not belong there"

key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null ||
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }
number=$(date -u +%Y%m%d%H%M%S)
if [ $# = 1 ]; then
  [ ! -e ca.key ] || fail "$1 has an authority already; \`renew\` makes another signing key"
  key ca.key
  openssl req -x509 -new -key ca.key -sha256 -days 7305 -subj "/CN=Sonolamp updates $number" \
    -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign -out ca.pem
else
  [ -e ca.key ] || fail "$1 has no ca.key: without the authority's key there is no other signing key"
  [ ! -e sign.pem ] || mv sign.pem "sign-until-$number.pem"
  [ ! -e sign.key ] || mv sign.key "sign-until-$number.key"
fi
key sign.key
openssl req -new -key sign.key -subj "/CN=Sonolamp signing $number" |
  openssl x509 -req -CA ca.pem -CAkey ca.key -set_serial "0x$(openssl rand -hex 8)" -sha256 -days 731 -out sign.pem \
    -extfile <(printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,codeSigning\n') 2>/dev/null
chmod 644 ca.pem sign.pem
echo "$PWD/ca.pem    for cards: SONOLAMP_UPDATE_CA=$PWD/ca.pem deploy/card/build.sh ..."
echo "$PWD/sign.key  for bundles: deploy/update/bundle.sh ... $PWD ..."
echo "$PWD/ca.key    into a safe, away from this machine"

#!/usr/bin/env bash
# Copies tests/interop/PEER to DESTINATION and installs there what its lockfile names. Serves
# tests/browser as well.
#   install.sh SOURCE DESTINATION
set -euo pipefail
source=$1
destination=$2

mkdir -p "$destination"
cp "$source"/package.json "$source"/package-lock.json "$destination"/
find "$source" -maxdepth 1 -name '*.js' -exec cp {} "$destination"/ \;
if cmp -s "$source/package-lock.json" "$destination/installed-lock.json"; then
    exit 0
fi
cd "$destination"
npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
cp package-lock.json installed-lock.json

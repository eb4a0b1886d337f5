#!/usr/bin/env bash
# Copies tests/interop/PEER to DESTINATION and installs there what its lockfile names.
#   install.sh SOURCE DESTINATION
set -euo pipefail
source=$1
destination=$2

mkdir -p "$destination"
cp "$source"/package.json "$source"/package-lock.json "$source"/*.js "$destination"/
if cmp -s "$source/package-lock.json" "$destination/installed-lock.json"; then
    exit 0
fi
cd "$destination"
npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
cp package-lock.json installed-lock.json

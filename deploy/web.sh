#!/usr/bin/env bash
# Builds the dashboard into web/dist, which is compiled into `remora`. Where that isn't possible it says so, and
# `remora` is built without one. Does nothing when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/../web"

# The oldest that Vite runs on, as in package.json.
NODE_MIN=20.19.0

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "web: SKIPPED, the dashboard is not built: there is no Node.js; install $NODE_MIN or later, with npm" >&2
    exit 0
fi
have=$(node --version)
if [ "$(printf '%s\n' "$NODE_MIN" "${have#v}" | sort -V | head -1)" != "$NODE_MIN" ]; then
    echo "web: SKIPPED, the dashboard is not built: Node.js $have is too old, $NODE_MIN is needed" >&2
    exit 0
fi
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --no-audit --no-fund --loglevel=error
fi
if [ ! -e dist/index.html ] || [ -n "$(find src public index.html *.ts *.json -newer dist/index.html -print -quit)" ]; then
    npm run --silent build
fi

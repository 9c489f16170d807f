#!/usr/bin/env bash
# The dashboard in web/. Where it can't be built it says so, and `remora` is built without one.
#
#   deploy/web.sh            builds it into web/dist, which is compiled into `remora`; nothing, when nothing changed
#   deploy/web.sh unit       its unit tests
#   deploy/web.sh lint       its lints
#   deploy/web.sh browser    drives it with Chromium, against a real server over real captures; names of specs choose some
#   deploy/web.sh pictures   pictures of each view, for the README
set -euo pipefail
cd "$(dirname "$0")/../web"

# The oldest that Vite runs on, as in package.json.
NODE_MIN=20.19.0
# Where deploy/setup.sh puts one if the system's is older, as Debian 12's is.
export PATH="$PWD/../target/node/bin:$PATH"

main() {
    node_there || { echo "web: SKIPPED, the dashboard is not built: $why" >&2; exit 0; }
    if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
        npm ci --no-audit --no-fund --loglevel=error
    fi
    if [ ! -e dist/index.html ] || [ -n "$(find src public index.html ./*.ts ./*.json -newer dist/index.html -print -quit)" ]; then
        npm run --silent build
    fi
    case "${1:-}" in
        "") ;;
        lint) npm run --silent lint ;;
        unit) npm run --silent test ;;
        browser) shift; browser "$@" ;;
        pictures) pictures ;;
        *) echo "web: unknown task $1" >&2; exit 2 ;;
    esac
}

# Whether there is a Node.js that is new enough; else `why` says what is missing.
node_there() {
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        why="there is no Node.js; install $NODE_MIN or later, with npm"
        return 1
    fi
    local have
    have=$(node --version)
    if [ "$(printf '%s\n' "$NODE_MIN" "${have#v}" | sort -V | head -1)" != "$NODE_MIN" ]; then
        why="Node.js $have is too old, $NODE_MIN is needed"
        return 1
    fi
}

browser() {
    (cd .. && cargo build --quiet -p api -p recorder)
    npm run --silent e2e -- "$@"
}

# An hour of the made-up cluster's traffic, with its incidents: real captures that may be given away hold fewer services.
pictures() {
    (cd .. && cargo build --quiet -p api -p recorder -p generate)
    local target=${CARGO_TARGET_DIR:-$PWD/../target}
    REMORA_CLUSTER=$(mktemp -d)
    export REMORA_CLUSTER PICTURES="$PWD/pictures"
    trap 'rm -rf "$REMORA_CLUSTER"' EXIT
    "$target/debug/remora-generate" --entries 200000 --hours 1 --from 2026-03-02T14:00:00Z -o "$REMORA_CLUSTER/hour.pcapng"
    "$target/debug/remora" --data "$REMORA_CLUSTER/data" import "$REMORA_CLUSTER/hour.pcapng"
    npm run --silent e2e -- pictures
}

main "$@"

#!/usr/bin/env bash
# What `make test` runs: each step whatever became of the one before, and at the end one line per step.
set -uo pipefail
cd "$(dirname "$0")/.."

# Tests want no debugger; without debug information they link in half the time.
export CARGO_PROFILE_DEV_DEBUG="${CARGO_PROFILE_DEV_DEBUG:-0}"

summary=""
failed=0
step() {
    local name=$1 began=$SECONDS
    shift
    printf '\n── %s: %s\n' "$name" "$*"
    if "$@"; then
        summary+=$(printf '  ok       %-10s %4s s' "$name" $((SECONDS - began)))$'\n'
    else
        summary+=$(printf '  FAILED   %-10s %4s s   again with: %s' "$name" $((SECONDS - began)) "$*")$'\n'
        failed=$((failed + 1))
    fi
}
skip() { summary+=$(printf '  SKIPPED  %-10s %s' "$1" "$2")$'\n'; }

step format cargo fmt --all --check
step lint cargo clippy --workspace --all-targets --quiet -- -D warnings
if cargo nextest --version >/dev/null 2>&1; then
    step tests cargo nextest run --workspace --no-fail-fast
else
    step tests cargo test --workspace --no-fail-fast --lib --bins --tests
fi
step doctests cargo test --workspace --doc --quiet
if [ -e web/node_modules/.package-lock.json ]; then
    step web-lint deploy/web.sh lint
    step web-unit deploy/web.sh unit
    if command -v "${CHROMIUM:-chromium}" >/dev/null; then
        step browser deploy/web.sh browser
    else
        skip browser "the dashboard was not driven by a browser: there is no chromium"
    fi
else
    skip web "the dashboard's packages are not there; make web says why"
fi
if cargo deny --version >/dev/null 2>&1; then
    step deny cargo deny check
else
    skip deny "cargo-deny is not installed: cargo install cargo-deny --locked"
fi

corpus=${REMORA_CORPUS:-../shared/corpus}
if [ ! -d "$corpus" ]; then skip corpus "tests over recorded captures: none at $corpus; set REMORA_CORPUS"; fi

printf '\n%s' "$summary"
if [ "$failed" -gt 0 ]; then
    printf 'make test: %d step(s) FAILED after %d s\n' "$failed" "$SECONDS"
    exit 1
fi
printf 'make test: passed in %d s\n' "$SECONDS"

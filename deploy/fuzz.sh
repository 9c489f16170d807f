#!/usr/bin/env bash
# Fuzzes every entry point of the dissectors in turn: `make fuzz`, `make fuzz FUZZ_SECONDS=1200 FUZZ_TARGETS="dns tls"`.
# New inputs are kept in indexer/dissect/fuzz/corpus; whatever fails lies in indexer/dissect/fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/../indexer/dissect"

seconds=${FUZZ_SECONDS:-60}
if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "make fuzz: a nightly toolchain is needed: rustup toolchain install nightly" >&2
    exit 1
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "Installing cargo-fuzz ..."
    cargo install cargo-fuzz --locked
fi
targets=${FUZZ_TARGETS:-$(cargo +nightly fuzz list)}
failed=""
for target in $targets; do
    seeds=fuzz/corpus/$target
    mkdir -p "$seeds"
    printf '\n── %s, %s s\n' "$target" "$seconds"
    # 1 GiB of memory and 10 s are far more than any input of 64 KiB may take.
    if ! cargo +nightly fuzz run --release "$target" "$seeds" -- \
        -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 2>&1 |
        grep -E '^(stat::|==|SUMMARY|artifact|thread|.*panicked|#[0-9]+.*DONE)' | tail -20; then
        failed+=" $target"
    fi
done
if [ -n "$failed" ]; then
    echo "make fuzz: FAILED:$failed; each input lies in indexer/dissect/fuzz/artifacts" >&2
    exit 1
fi
echo "make fuzz: $(echo "$targets" | wc -w) targets, $seconds s each, nothing found"

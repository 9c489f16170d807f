#!/usr/bin/env bash
# Fuzzes every entry point of the dissectors: `make fuzz`, `make fuzz FUZZ_SECONDS=1200 FUZZ_TARGETS="dns tls"`.
#
# Inputs come from fixtures/fuzz (one archive per target, which `make test` replays) and from the recorded captures;
# new ones are kept in indexer/dissect/fuzz/corpus; whatever fails lies in indexer/dissect/fuzz/artifacts.
# FUZZ_SAVE=1 writes the archives anew, with the fewest inputs that reach all that was reached.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
fuzz=indexer/dissect/fuzz
seconds=${FUZZ_SECONDS:-60}
# Longer inputs are found, but not saved.
saved_bytes_max=2048

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "make fuzz: a nightly toolchain is needed: rustup toolchain install nightly" >&2
    exit 1
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "Installing cargo-fuzz ..."
    cargo install cargo-fuzz --locked
fi

# The recorded captures that speak a target's protocol.
captures() {
    case $1 in
    http1) echo http-nginx proxy shop ;;
    http2) echo http2-nghttpd http2-nginx grpc websocket-http2 ;;
    dns) echo dns-dnsmasq dns-unbound ;;
    tls) echo tls starttls ;;
    amqp | kafka | mongodb | mysql | postgres | redis | websocket) echo "$1" ;;
    packets) ls fixtures/captures/*.pcapng | xargs -n1 basename | sed 's/\.pcapng$//' ;;
    esac
}

# Puts the saved inputs and those of the captures into a target's corpus.
seed() {
    local corpus=$root/$fuzz/corpus/$1 made
    mkdir -p "$corpus"
    [ ! -f "fixtures/fuzz/$1.tar.gz" ] || tar -xzf "fixtures/fuzz/$1.tar.gz" -C "$corpus"
    for capture in $(captures "$1"); do
        made=$(mktemp -d)
        cargo run --quiet -p dissect --example seeds "fixtures/captures/$capture.pcapng" "$made"
        kind=flows
        [ "$1" != packets ] || kind=packets
        cp "$made/$kind"/* "$corpus/"
        rm -r "$made"
    done
}

run() {
    # 1 GiB of memory and 60 s are far more than any input of 64 KiB may take, even on a busy machine.
    (cd indexer/dissect && cargo +nightly fuzz run "$1" "$root/$fuzz/corpus/$1" -- -max_total_time="$seconds" \
        -max_len=65536 -rss_limit_mb=1024 -timeout=60 -print_final_stats=1 2>&1) |
        grep -E '^(stat::|==|SUMMARY|artifact|thread|.*panicked|#[0-9]+.*DONE)' | tail -20
}

save() {
    local made
    made=$(mktemp -d)
    (cd indexer/dissect && cargo +nightly fuzz run "$1" -- -merge=1 -max_len=$saved_bytes_max \
        "$made" "$root/$fuzz/corpus/$1" >/dev/null 2>&1)
    # The same inputs make the same archive.
    mkdir -p fixtures/fuzz
    tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$made" -cf - . | gzip -n9 >"fixtures/fuzz/$1.tar.gz"
    echo "saved $(find "$made" -type f | wc -l) inputs in fixtures/fuzz/$1.tar.gz"
    rm -r "$made"
}

targets=${FUZZ_TARGETS:-$(cd indexer/dissect && cargo +nightly fuzz list)}
failed=""
for target in $targets; do
    printf '\n── %s, %s s\n' "$target" "$seconds"
    seed "$target"
    run "$target" || failed+=" $target"
    [ -z "${FUZZ_SAVE:-}" ] || save "$target"
done
if [ -n "$failed" ]; then
    echo "make fuzz: FAILED:$failed; each input lies in $fuzz/artifacts" >&2
    exit 1
fi
echo "make fuzz: $(echo "$targets" | wc -w) targets, $seconds s each, nothing found"

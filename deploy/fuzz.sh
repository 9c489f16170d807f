#!/usr/bin/env bash
# Fuzzes every entry point of the dissectors and of KFL: `make fuzz`, `make fuzz FUZZ_SECONDS=1200 FUZZ_TARGETS="dns parse"`.
#
# The dissectors' inputs come from fixtures/fuzz (one archive per target, which `make test` replays) and from the
# recorded captures; new ones are kept in the crate's fuzz/corpus; whatever fails lies in its fuzz/artifacts.
# FUZZ_SAVE=1 writes the archives anew, with the fewest inputs that reach all that was reached.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
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
    packets) for capture in fixtures/captures/*.pcapng; do basename "$capture" .pcapng; done ;;
    esac
}

# Puts the saved inputs and those of the captures into a target's corpus.
seed() {
    local corpus=$1 target=$2 made
    [ ! -f "fixtures/fuzz/$target.tar.gz" ] || tar -xzf "fixtures/fuzz/$target.tar.gz" -C "$corpus"
    for capture in $(captures "$target"); do
        made=$(mktemp -d)
        cargo run --quiet -p dissect --example seeds "fixtures/captures/$capture.pcapng" "$made"
        kind=flows
        [ "$target" != packets ] || kind=packets
        cp "$made/$kind"/* "$corpus/"
        rm -r "$made"
    done
}

run() {
    local crate=$1 corpus=$2 target=$3
    # 1 GiB of memory and 60 s are far more than any input of 64 KiB may take, even on a busy machine.
    (cd "$crate" && cargo +nightly fuzz run "$target" "$corpus" -- -max_total_time="$seconds" \
        -max_len=65536 -rss_limit_mb=1024 -timeout=60 -print_final_stats=1 2>&1) |
        grep -E '^(stat::|==|SUMMARY|artifact|thread|.*panicked|#[0-9]+.*DONE)' | tail -20
}

save() {
    local crate=$1 corpus=$2 target=$3 made
    made=$(mktemp -d)
    (cd "$crate" && cargo +nightly fuzz run "$target" -- -merge=1 -max_len=$saved_bytes_max "$made" "$corpus" >/dev/null 2>&1)
    # The same inputs make the same archive.
    mkdir -p fixtures/fuzz
    tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$made" -cf - . | gzip -n9 >"fixtures/fuzz/$target.tar.gz"
    echo "saved $(find "$made" -type f | wc -l) inputs in fixtures/fuzz/$target.tar.gz"
    rm -r "$made"
}

count=0
failed=""
for crate in indexer/dissect indexer/kfl; do
    for target in $(cd "$crate" && cargo +nightly fuzz list); do
        if [ -n "${FUZZ_TARGETS:-}" ] && [[ " $FUZZ_TARGETS " != *" $target "* ]]; then
            continue
        fi
        count=$((count + 1))
        corpus=$root/$crate/fuzz/corpus/$target
        mkdir -p "$corpus"
        printf '\n── %s: %s, %s s\n' "$crate" "$target" "$seconds"
        seed "$corpus" "$target"
        run "$crate" "$corpus" "$target" || failed+=" $crate/fuzz/artifacts/$target"
        if [ -n "${FUZZ_SAVE:-}" ] && [ "$crate" = indexer/dissect ]; then
            save "$crate" "$corpus" "$target"
        fi
    done
done
if [ -n "$failed" ]; then
    echo "make fuzz: FAILED; the inputs lie in$failed" >&2
    exit 1
fi
echo "make fuzz: $count targets, $seconds s each, nothing found"

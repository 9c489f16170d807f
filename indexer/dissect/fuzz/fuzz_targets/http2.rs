//! Fuzzes `http2`: any bytes at all.
#![no_main]

libfuzzer_sys::fuzz_target!(|script: &[u8]| dissect::protocol::fuzz::fuzz_http2(script));

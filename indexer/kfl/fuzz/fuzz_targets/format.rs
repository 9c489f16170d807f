//! Fuzzes `format`: any bytes at all.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kfl::fuzz::fuzz_format(bytes));

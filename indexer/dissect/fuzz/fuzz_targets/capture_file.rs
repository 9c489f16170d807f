//! Fuzzes `capture_file`: any bytes at all.
#![no_main]

use segment::capture_file::CaptureReader;

// Records until the end or the first error; how much one of them may hold is the reader's business.
libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    if let Ok(mut reader) = CaptureReader::new(file) {
        while let Ok(Some(_)) = reader.next() {}
    }
});

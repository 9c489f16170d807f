//! What fuzzers found worth keeping, played again: fixtures/fuzz, which deploy/fuzz.sh writes.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use dissect::protocol::fuzz;
use flate2::read::GzDecoder;
use segment::capture_file::CaptureReader;
use tar::Archive;

/// The inputs in an archive.
fn inputs(target: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../fixtures/fuzz/{target}.tar.gz"));
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut archive = Archive::new(GzDecoder::new(file));
    let files = archive.entries().unwrap().map(Result::unwrap);
    let mut inputs = Vec::new();
    for mut file in files.filter(|file| file.header().entry_type().is_file()) {
        let mut input = Vec::new();
        file.read_to_end(&mut input).unwrap();
        inputs.push(input);
    }
    assert!(inputs.len() > 20, "{}: {} inputs", path.display(), inputs.len());
    inputs
}

#[test]
fn what_fuzzers_found_does_no_harm() {
    for (target, fuzz) in fuzz::ALL {
        let inputs = inputs(target);
        inputs.iter().for_each(|input| fuzz(input));
        eprintln!("{target}: {} inputs", inputs.len());
    }
}

#[test]
fn capture_files_that_fuzzers_found_are_read_to_their_end() {
    for input in inputs("capture_file") {
        if let Ok(mut reader) = CaptureReader::new(input.as_slice()) {
            while let Ok(Some(_)) = reader.next() {}
        }
    }
}

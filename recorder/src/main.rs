//! recorder.
fn main() {}

//! remora.
fn main() {}

//! What holds for whole segments.

mod roundtrip;
mod support;

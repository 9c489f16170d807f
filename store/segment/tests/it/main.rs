//! What holds for whole segments.

mod corpus;
mod damage;
mod full_disk;
mod golden;
mod properties;
mod roundtrip;
mod support;
mod tools;

//! What holds for whole segments.

mod corpus;
mod damage;
mod golden;
mod properties;
mod roundtrip;
mod support;
mod tools;

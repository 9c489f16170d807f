//! What holds for whole segments.

mod corpus;
mod damage;
mod roundtrip;
mod support;
mod tools;

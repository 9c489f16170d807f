//! Drives the real `remora`.
//!
//! Commands that need the recorder run the one that lies beside `remora`; where it was not built, or the
//! corpus is absent, the test says `SKIPPED` on stderr.

mod beginning;
mod command;
mod confinement;
#[path = "../../../indexer/kfl/tests/it/expectations.rs"]
mod expectations;
mod hunting;
mod kfl;
mod live;
mod parquet;
mod recording;
mod round_trip;
mod server;
mod showing;
mod usage;

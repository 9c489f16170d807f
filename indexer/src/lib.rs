//! Turns segments into answers.
//!
//! One way leads from frames to exchanges ([`pipeline`]), whether the segment is being written, was sealed
//! months ago, or is read again for its bodies. [`indexing`] walks it for every chain and keeps the indexes;
//! [`Data`] asks them.

mod bundle;
mod chain;
mod data;
mod docs;
mod document;
pub mod entry;
mod error;
mod evidence;
mod export;
mod growing;
mod indexing;
pub mod names;
pub mod packet;
mod pipeline;
mod plan;
mod schema;
mod search;
mod state;
mod stats;

pub use data::{Coverage, Data, Order, QueryOptions};
pub use entry::{EntryId, rfc3339};
pub use error::{Error, ErrorKind};
pub use evidence::EntryPacket;
pub use export::{ExportFilter, ExportSummary};
pub use indexing::{Indexing, reindex};
pub use schema::Schemas;
pub use stats::Stats;

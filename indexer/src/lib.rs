//! Turns segments into answers.
//!
//! One way leads from frames to exchanges ([`pipeline`]), whether the segment is being written, was sealed
//! months ago, or is read again for its bodies. [`indexing`] walks it for every chain and keeps the indexes;
//! [`Data`] asks them.

mod aggregate;
mod bundle;
mod catalog;
mod chain;
mod chosen;
mod conversation;
mod data;
mod diff;
mod docs;
mod document;
pub mod entry;
mod error;
mod evidence;
mod export;
mod filter;
mod follow;
mod growing;
pub mod hunt;
mod indexing;
mod lock;
mod merging;
mod meter;
pub mod names;
mod opened;
pub mod packet;
mod packing;
mod pipeline;
mod plan;
#[cfg(test)]
mod planned;
mod probe;
mod readers;
mod schema;
mod search;
mod state;
mod stats;
mod vocabulary;

pub use aggregate::{
    By, EndpointTotals, FieldPath, Latencies, NodeTotals, Scope, Series, ServiceMap, Tally, Timeline, Top,
    TopValue, Width,
};
pub use catalog::FieldCatalog;
pub use conversation::{Conversation, Part};
pub use data::{Coverage, Data, Order, QueryOptions};
pub use diff::{Change, Diff, DiffOptions, Sampled, Stretch, Subject, Test, Unit, What};
pub use document::{Class, Edge, Endpoint, Facts};
pub use entry::{EntryId, rfc3339};
pub use error::{Error, ErrorKind};
pub use evidence::EntryPacket;
pub use export::{ExportFilter, ExportSummary};
pub use follow::{Beginning, Followed, Position};
pub use indexing::{Indexing, merge, reindex};
pub use meter::Read;
pub use schema::Schemas;
pub use search::{Begin, Budget, Cancel, Cursor, Plan, Reason, Stop};
pub use stats::Stats;

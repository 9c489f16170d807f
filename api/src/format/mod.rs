//! The forms that an answer can take.
//!
//! [`row`] decides what a list shows of an entry, for tables and CSV; [`har`] turns HTTP exchanges into an
//! HTTP archive that browsers open; [`json`] writes JSON that is also safe to look at on a terminal;
//! [`parquet`](mod@parquet) is for who counts and joins, with the [`trace`] that an exchange belongs to as a column;
//! [`detail`] shows one entry in full, [`headers`] what a list of packets shows of each.

pub mod body;
pub mod csv;
pub mod detail;
pub mod graph;
pub mod har;
pub mod headers;
pub mod json;
pub mod packet;
pub mod parquet;
pub mod row;
pub mod trace;

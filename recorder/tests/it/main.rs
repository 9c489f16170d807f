//! The recorder as its users see it: a process, its events, and what it leaves on disk.
//!
//! Tests that capture need CAP_NET_RAW, and some need root; without it they say SKIPPED and pass.

mod capture;
mod crash;
mod harness;
mod import;
mod trouble;

//! The grammar of `kfl.pest`, as pest compiles it.

/// Recognises KFL.
#[derive(pest_derive::Parser)]
#[grammar = "kfl.pest"]
pub(crate) struct Grammar;

//! indexer.

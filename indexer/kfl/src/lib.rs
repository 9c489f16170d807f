//! kfl.

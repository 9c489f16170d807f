//! Where segments live and for how long.
//!
//! The data directory is the truth; the catalog is a cache over it that can be deleted at any time.
//! [`Layout`] names every path in the directory, [`Catalog`] answers which segments there are.

mod catalog;
mod error;
mod layout;

pub use catalog::{Catalog, State, Summary};
pub use error::{Error, ErrorKind};
pub use layout::Layout;

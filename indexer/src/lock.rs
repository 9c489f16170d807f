//! Keeps work that must be done by one process at a time from others.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::Error;

/// Takes a lock that holds while the file lives; `None` where another process has it.
///
/// # Errors
/// When the file can't be created.
pub fn take(path: &Path) -> Result<Option<File>, Error> {
    let file = File::create(path).map_err(Error::io(path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(Error::io(path)(error)),
    }
}

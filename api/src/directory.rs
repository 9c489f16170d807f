//! Where the data directory is, and whether it is there.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

/// The data directory that the person means: `--data` or `$REMORA_DATA` (`given`), else below
/// `$XDG_DATA_HOME`, else below `~/.local/share`.
pub fn resolve(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let directory = match given {
        Some(given) => given,
        None => default_directory(std::env::var_os("XDG_DATA_HOME"), std::env::var_os("HOME"))
            .ok_or_else(|| anyhow!("no data directory: $HOME is not set; name one with --data DIR"))?,
    };
    std::path::absolute(&directory).with_context(|| format!("bad data directory {}", directory.display()))
}

fn default_directory(
    xdg_data_home: Option<std::ffi::OsString>,
    home: Option<std::ffi::OsString>,
) -> Option<PathBuf> {
    // The XDG base directory specification: a relative path is to be ignored.
    let share = xdg_data_home.map(PathBuf::from).filter(|path| path.is_absolute());
    let share = share.or_else(|| {
        let home = home.map(PathBuf::from).filter(|path| path.is_absolute())?;
        Some(home.join(".local/share"))
    });
    Some(share?.join("remora"))
}

/// Makes the directory, for its owner alone: recorded traffic holds passwords.
pub fn create(directory: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .with_context(|| format!("cannot make the data directory {}", directory.display()))
}

/// Says what to do when there is nothing yet to ask about.
pub fn require(directory: &Path) -> anyhow::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    Err(anyhow!(
        "no data directory at {}: fill it with `remora record` or `remora import FILE`, or name another with --data DIR",
        directory.display()
    ))
}

/// Says what to do when the directory is another user's: without capabilities root is a user like any other.
pub fn require_readable(directory: &Path) -> anyhow::Result<()> {
    match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(anyhow!(
            "may not read {}: remora gives up root's rights, so run it as the directory's owner (sudo -u OWNER remora …)",
            directory.display()
        )),
        // Anything else is told by who reads the directory, with the file it is about.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xdg_comes_before_home() {
        let of = |xdg: Option<&str>, home: Option<&str>| {
            default_directory(xdg.map(Into::into), home.map(Into::into))
        };
        assert_eq!(of(Some("/x"), Some("/h")), Some("/x/remora".into()));
        assert_eq!(of(Some("relative"), Some("/h")), Some("/h/.local/share/remora".into()));
        assert_eq!(of(None, Some("/h")), Some("/h/.local/share/remora".into()));
        assert_eq!(of(None, None), None);
    }
}

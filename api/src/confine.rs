//! Gives up every privilege before any recorded byte is read.
//!
//! Who parses hostile bytes holds nothing: all capabilities go, also when root runs it, no program started
//! from here can get them back (`no_new_privs`), and with Landlock the kernel refuses writes outside the data
//! directory. All three belong to the calling thread and are inherited by threads and processes that it
//! starts, so this must run first in `main`, after `remora-recorder` was started and before any thread.

use std::io;
use std::path::Path;

use anyhow::{Context, anyhow};
use caps::CapSet;
use landlock::{
    ABI, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetStatus,
};
use tracing::debug;

/// The Landlock version whose write accesses are refused; older kernels refuse the ones they know.
const LANDLOCK_ABI: ABI = ABI::V5;

/// How far the kernel keeps this process from writing outside the data directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Writes {
    /// Every kind of write outside is refused.
    Confined,
    /// The kernel's Landlock is old: some kinds of write (truncating, device controls) are not refused.
    PartlyConfined,
    /// The kernel has no Landlock, or one that can't rename between directories (before Linux 5.19).
    Unconfined,
}

impl Writes {
    /// The word for it in `--json` output and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confined => "confined",
            Self::PartlyConfined => "partly confined",
            Self::Unconfined => "unconfined",
        }
    }
}

/// Drops all capabilities for ever and confines writes to `writable` (to nowhere if there is none).
///
/// # Errors
///
/// If a capability is left, or `writable` can't be opened. A kernel without Landlock is no error: the answer
/// says so.
pub fn confine(writable: Option<&Path>) -> anyhow::Result<Writes> {
    drop_capabilities().context("cannot drop capabilities")?;
    rustix::thread::set_no_new_privs(true).context("cannot set no_new_privs")?;
    let writes = confine_writes(writable)?;
    debug!(capabilities = "none", landlock = writes.name(), "privileges dropped");
    Ok(writes)
}

fn drop_capabilities() -> anyhow::Result<()> {
    // The bounding set needs CAP_SETPCAP, which an ordinary user lacks, as well as anything to lose by it.
    // `no_new_privs` holds in either case.
    if caps::has_cap(None, CapSet::Effective, caps::Capability::CAP_SETPCAP).unwrap_or(false) {
        caps::clear(None, CapSet::Bounding)?;
    }
    for set in [CapSet::Ambient, CapSet::Effective, CapSet::Inheritable, CapSet::Permitted] {
        caps::clear(None, set)?;
    }
    for set in [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable] {
        let left = caps::read(None, set)?;
        if !left.is_empty() {
            return Err(anyhow!("the kernel left {left:?} in the {set:?} set"));
        }
    }
    Ok(())
}

fn confine_writes(writable: Option<&Path>) -> anyhow::Result<Writes> {
    // The first version of Landlock refuses every rename between directories, which sealing needs.
    let renames =
        Ruleset::default().set_compatibility(CompatLevel::HardRequirement).handle_access(AccessFs::Refer);
    if renames.is_err() {
        return Ok(Writes::Unconfined);
    }
    let writing = AccessFs::from_write(LANDLOCK_ABI);
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(writing)
        .and_then(Ruleset::create)
        .context("cannot make a Landlock rule set")?;
    if let Some(directory) = writable {
        let beneath = PathFd::new(directory).map_err(|error| {
            let reason = io::Error::last_os_error();
            anyhow!("cannot open the data directory {}: {error} ({reason})", directory.display())
        })?;
        ruleset = ruleset
            .add_rule(PathBeneath::new(beneath, writing))
            .with_context(|| format!("cannot allow writes to {}", directory.display()))?;
    }
    let status = ruleset.restrict_self().context("cannot enforce Landlock")?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Writes::Confined,
        RulesetStatus::PartiallyEnforced => Writes::PartlyConfined,
        RulesetStatus::NotEnforced => Writes::Unconfined,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    fn status_line(name: &str) -> String {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    }

    /// Capabilities and Landlock belong to a thread, so a thread of its own can be confined in a test.
    fn confined<T: Send>(writable: &Path, check: impl FnOnce(Writes) -> T + Send) -> T {
        std::thread::scope(|scope| scope.spawn(|| check(confine(Some(writable)).unwrap())).join().unwrap())
    }

    #[test]
    fn no_capability_is_left_and_none_can_be_gained() {
        let data = tempfile::tempdir().unwrap();
        confined(data.path(), |_| {
            for set in ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"] {
                assert_eq!(status_line(set), "0000000000000000", "{set}");
            }
            assert_eq!(status_line("NoNewPrivs:"), "1");
        });
    }

    #[test]
    fn writes_outside_the_data_directory_are_refused() {
        let data = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let existing = outside.path().join("existing");
        fs::write(&existing, "before").unwrap();
        let mut open = fs::File::create(outside.path().join("open")).unwrap();
        let writes = confined(data.path(), |writes| {
            if writes == Writes::Unconfined {
                return writes;
            }
            let inside = data.path().join("open");
            fs::create_dir(&inside).unwrap();
            fs::write(inside.join("segment"), "x").unwrap();
            fs::rename(inside.join("segment"), data.path().join("sealed")).unwrap();
            for refused in [
                fs::write(outside.path().join("new"), "x"),
                fs::write(&existing, "after"),
                fs::remove_file(&existing),
                fs::create_dir(outside.path().join("directory")),
                fs::rename(data.path().join("sealed"), outside.path().join("moved")),
            ] {
                refused.unwrap_err();
            }
            // What was opened before stays open: an export's file.
            open.write_all(b"y").unwrap();
            writes
        });
        if writes == Writes::Unconfined {
            let _ = writeln!(io::stderr(), "SKIPPED: this kernel has no Landlock of version 2 or later");
            return;
        }
        assert_eq!(fs::read_to_string(&existing).unwrap(), "before");
    }
}

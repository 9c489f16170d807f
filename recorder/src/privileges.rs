//! Keeps CAP_NET_RAW and nothing else, for good.
//!
//! Who holds this capability parses no payload, and who parses hostile bytes doesn't hold it.
//! The supervisor hands the capability to its worker through the ambient set; the worker empties
//! that set, too. `no_new_privs` closes the way back by set-user-id programs.

use std::collections::HashSet;

use caps::{CapSet, Capability};

use crate::error::Error;

/// Whether a child process shall get the capability.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Passing {
    /// To the worker that this process starts.
    ToWorker,
    /// To nobody.
    ToNobody,
}

/// Drops every capability but CAP_NET_RAW. Call it before the first thread starts: capabilities
/// belong to threads.
///
/// # Errors
/// [`Error::NoCapability`] without CAP_NET_RAW; [`Error::Privileges`] if one can't be dropped.
pub fn keep_only_net_raw(passing: Passing) -> Result<(), Error> {
    let wanted = Capability::CAP_NET_RAW;
    let has = |set| caps::has_cap(None, set, wanted).unwrap_or(false);
    if !has(CapSet::Permitted) {
        let binary = std::env::current_exe().unwrap_or_else(|_| "remora-recorder".into());
        return Err(Error::NoCapability { binary });
    }
    let failed = |what| move |e: caps::errors::CapsError| Error::Privileges { what, reason: e.to_string() };

    // The bounding set first: changing it needs CAP_SETPCAP. Who lacks that has only what the
    // file gave, and no_new_privs makes the bounding set meaningless.
    if caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP).unwrap_or(false) {
        for capability in caps::runtime::thread_all_supported() {
            if capability != wanted {
                caps::drop(None, CapSet::Bounding, capability).map_err(failed("bounding set"))?;
            }
        }
    }
    caps::clear(None, CapSet::Ambient).map_err(failed("ambient set"))?;
    let only = HashSet::from([wanted]);
    caps::set(None, CapSet::Effective, &only).map_err(failed("effective set"))?;
    caps::set(None, CapSet::Permitted, &only).map_err(failed("permitted set"))?;
    match passing {
        Passing::ToWorker => {
            caps::set(None, CapSet::Inheritable, &only).map_err(failed("inheritable set"))?;
            caps::raise(None, CapSet::Ambient, wanted).map_err(failed("ambient set"))?;
        }
        Passing::ToNobody => caps::clear(None, CapSet::Inheritable).map_err(failed("inheritable set"))?,
    }
    rustix::thread::set_no_new_privs(true)
        .map_err(|e| Error::Privileges { what: "no_new_privs", reason: e.to_string() })
}

/// Gives up every capability: for imports and listings, which need none.
///
/// # Errors
/// [`Error::Privileges`] if one can't be dropped.
pub fn keep_nothing() -> Result<(), Error> {
    let failed = |what| move |e: caps::errors::CapsError| Error::Privileges { what, reason: e.to_string() };
    for (set, what) in [
        (CapSet::Ambient, "ambient set"),
        (CapSet::Inheritable, "inheritable set"),
        (CapSet::Effective, "effective set"),
        (CapSet::Permitted, "permitted set"),
    ] {
        caps::clear(None, set).map_err(failed(what))?;
    }
    rustix::thread::set_no_new_privs(true)
        .map_err(|e| Error::Privileges { what: "no_new_privs", reason: e.to_string() })
}

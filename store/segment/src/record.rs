//! What a segment holds, one after the other.

use std::net::IpAddr;

use crate::packet::{Interface, InterfaceId, Packet};
use crate::time::{TimeRange, Timestamp};

/// One thing that was recorded.
#[derive(Clone, PartialEq, Debug)]
pub enum Record<'a> {
    /// A captured packet.
    Packet(Packet<'a>),
    /// An interface, before its first packet.
    Interface(InterfaceId, Interface),
    /// Packets that we know we missed.
    Loss(Loss),
    /// What the kernel counted on an interface.
    InterfaceStatistics(InterfaceStatistics),
    /// Names of addresses, as they were at this place in the stream.
    Names(Names),
    /// How good the clock was that stamped the packets around here.
    ClockState(ClockState),
    /// TLS secrets in the NSS key log format.
    Secrets(&'a [u8]),
    /// JSON of a name that the writer chose (Kubernetes identities, for example).
    Custom {
        /// What the JSON is about; names that begin with `remora.` are this crate's own.
        name: &'a str,
        /// The JSON text.
        json: &'a str,
    },
    /// A block that this version doesn't know; it is skipped.
    Unknown {
        /// The pcapng block type.
        block_type: u32,
    },
}

/// Packets that we know we missed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loss {
    /// When they would have been captured.
    pub range: TimeRange,
    /// Name of the interface, if the loss is of one.
    pub interface: Option<String>,
    /// Why they are missing.
    pub cause: LossCause,
    /// How many; `None` if unknown.
    pub packets: Option<u64>,
    /// How many bytes; `None` if unknown.
    pub bytes: Option<u64>,
    /// For people: what exactly happened.
    pub note: String,
}

/// Why packets are missing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LossCause {
    /// The kernel or the interface dropped them before we could see them.
    Kernel,
    /// The capture ring was full.
    Ring,
    /// A queue of the recorder was full.
    Queue,
    /// Cut by the snap length.
    SnapLength,
    /// Left out by a filter.
    Filter,
    /// The recorder was not running.
    Restart,
    /// No space was left.
    DiskFull,
    /// The interface was down.
    InterfaceDown,
    /// The bytes on disk were damaged.
    Damaged,
    /// They never reached the remote store.
    Upload,
}

impl LossCause {
    /// Every cause, in ledger order.
    pub const ALL: [Self; 10] = [
        Self::Kernel,
        Self::Ring,
        Self::Queue,
        Self::SnapLength,
        Self::Filter,
        Self::Restart,
        Self::DiskFull,
        Self::InterfaceDown,
        Self::Damaged,
        Self::Upload,
    ];

    /// The name in JSON and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Ring => "ring",
            Self::Queue => "queue",
            Self::SnapLength => "snap_length",
            Self::Filter => "filter",
            Self::Restart => "restart",
            Self::DiskFull => "disk_full",
            Self::InterfaceDown => "interface_down",
            Self::Damaged => "damaged",
            Self::Upload => "upload",
        }
    }

    /// The cause of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.name() == name)
    }
}

/// What an Interface Statistics Block says (pcapng, section 4.6). Counters run since the start of capture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InterfaceStatistics {
    /// The interface.
    pub interface: InterfaceId,
    /// When the counters were read.
    pub timestamp: Timestamp,
    /// `isb_ifrecv`: packets the interface received.
    pub received: Option<u64>,
    /// `isb_ifdrop`: packets the interface dropped.
    pub dropped_by_interface: Option<u64>,
    /// `isb_filteraccept`: packets the filter let pass.
    pub accepted_by_filter: Option<u64>,
    /// `isb_osdrop`: packets the operating system dropped.
    pub dropped_by_system: Option<u64>,
    /// `isb_usrdeliv`: packets delivered to the recorder.
    pub delivered: Option<u64>,
}

impl InterfaceStatistics {
    /// Statistics that say nothing yet.
    #[must_use]
    pub const fn new(interface: InterfaceId, timestamp: Timestamp) -> Self {
        Self {
            interface,
            timestamp,
            received: None,
            dropped_by_interface: None,
            accepted_by_filter: None,
            dropped_by_system: None,
            delivered: None,
        }
    }

    /// From the counters of options 4 to 8, in that order.
    pub(crate) const fn from_counters(
        interface: InterfaceId,
        timestamp: Timestamp,
        counters: [Option<u64>; 5],
    ) -> Self {
        let [received, dropped_by_interface, accepted_by_filter, dropped_by_system, delivered] = counters;
        Self {
            interface,
            timestamp,
            received,
            dropped_by_interface,
            accepted_by_filter,
            dropped_by_system,
            delivered,
        }
    }
}

/// Names of addresses (pcapng, section 4.5).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Names {
    /// One record per address.
    pub records: Vec<NameRecord>,
}

/// An address and its names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NameRecord {
    /// The address.
    pub address: IpAddr,
    /// Its names, at least one, none empty.
    pub names: Vec<String>,
}

/// How good the recording machine's clock was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClockState {
    /// When this was sampled.
    pub timestamp: Timestamp,
    /// Whether the kernel holds the clock synchronised.
    pub synchronised: bool,
    /// Estimated offset from true time, if known.
    pub offset_nanos: Option<i64>,
    /// Largest error the kernel vouches for, if known.
    pub error_nanos_max: Option<i64>,
    /// Where this is from, such as `adjtimex`.
    pub source: String,
}

//! Live interfaces as sources of packets, through libpcap.
//!
//! One thread per interface (`lane`) copies packets out of the kernel's ring into batches.
//! Nothing above the link layer is looked at here, ever.

pub mod lane;

use std::path::Path;

use pcap::{Active, Capture, Linktype, Precision};
use segment::LinkType;

use crate::cli::CaptureConfig;
use crate::error::Error;
use crate::event::Event;

/// The device that stands for all interfaces.
pub const ANY: &str = "any";
/// How long the kernel may keep packets of a block that is not full. Longer saves wake-ups, but
/// delays every packet.
const BLOCK_TIMEOUT_MS: i32 = 100;
/// An interface that is up, in the kernel's interface flags (netdevice(7)).
const IFF_UP: u32 = 1;

/// An interface that is open.
pub struct Source {
    /// libpcap's handle, non-blocking.
    pub capture: Capture<Active>,
    /// How packets begin.
    pub link_type: LinkType,
}

/// Opens `interface` as `config` says.
///
/// # Errors
/// Where libpcap refuses the interface or the filter.
pub fn open(interface: &str, config: &CaptureConfig) -> Result<Source, Error> {
    let refused = |e: pcap::Error| Error::Open { interface: interface.to_owned(), reason: reason(&e) };
    let mut capture = Capture::from_device(interface)
        .map_err(refused)?
        .promisc(interface != ANY)
        .snaplen(i32::try_from(config.snap_length_bytes).expect("checked by CaptureConfig"))
        .buffer_size(i32::try_from(config.buffer_bytes_each).expect("checked by CaptureConfig"))
        .precision(Precision::Nano)
        .immediate_mode(false)
        .timeout(BLOCK_TIMEOUT_MS)
        .open()
        .map_err(refused)?;
    // Version 2 says which interface a packet came by; version 1 doesn't.
    let sll2 = Linktype(i32::from(LinkType::LINUX_SLL2.0));
    if capture.list_datalinks().is_ok_and(|links| interface == ANY && links.contains(&sll2)) {
        capture.set_datalink(sll2).map_err(refused)?;
    }
    if let Some(filter) = &config.filter {
        capture.filter(filter, true).map_err(|e| Error::Filter {
            interface: interface.to_owned(),
            filter: filter.clone(),
            reason: reason(&e),
        })?;
    }
    let link_type = link_type(capture.get_datalink());
    let capture = capture.setnonblock().map_err(refused)?;
    Ok(Source { capture, link_type })
}

/// Whether the interface is up; an interface that the kernel doesn't know, such as `any`, counts as up.
#[must_use]
pub fn is_up(interface: &str) -> bool {
    flags(interface).is_none_or(|flags| flags & IFF_UP != 0)
}

fn flags(interface: &str) -> Option<u32> {
    let text = std::fs::read_to_string(Path::new("/sys/class/net").join(interface).join("flags")).ok()?;
    u32::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok()
}

/// libpcap numbers link types by `DLT_` inside a program and by `LINKTYPE_` in files; where the
/// two differ on Linux, this tells.
fn link_type(datalink: Linktype) -> LinkType {
    match datalink.0 {
        12 | 14 => LinkType::RAW,
        other => LinkType(u16::try_from(other).unwrap_or(u16::MAX)),
    }
}

/// libpcap's words, without the crate's wrapping.
pub fn reason(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) if !text.is_empty() => text.clone(),
        other => other.to_string(),
    }
}

/// Prints every interface that can be recorded.
///
/// # Errors
/// Where libpcap can't list them.
pub fn list() -> Result<(), Error> {
    let devices = pcap::Device::list()
        .map_err(|e| Error::Open { interface: "any interface".to_owned(), reason: reason(&e) })?;
    for device in devices {
        // Only what this recorder can name: Bluetooth monitors and netfilter queues are no networks.
        if device.name != ANY && !Path::new("/sys/class/net").join(&device.name).exists() {
            continue;
        }
        Event::Available {
            up: device.flags.is_up(),
            addresses: device.addresses.iter().map(|address| address.addr.to_string()).collect(),
            interface: device.name,
            description: device.desc,
        }
        .print();
    }
    Ok(())
}

/// The name of interface number `index`, as the kernel has it now.
#[must_use]
pub fn interface_name(index: u32) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir("/sys/class/net").ok()?.flatten() {
        let text = std::fs::read_to_string(entry.path().join("ifindex")).unwrap_or_default();
        if text.trim().parse() == Ok(index) {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.pop()
}

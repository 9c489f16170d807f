//! Makes inputs for the fuzzers out of captures: `cargo run -p dissect --example seeds CAPTURE FOLDER` writes a
//! script (see `protocol::fuzz`) for every flow, and one of whole packets, into FOLDER/flows and FOLDER/packets.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::net::IpAddr;
use std::path::Path;

use dissect::decode::{Payload, decode};
use segment::Record;
use segment::capture_file::CaptureReader;

/// Longest script: what the fuzzers take.
const SCRIPT_BYTES_MAX: usize = 64 << 10;
/// Packets in the script of packets.
const PACKETS: usize = 40;

/// An address and a port.
type End = (IpAddr, u16);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let capture = arguments.next().ok_or("which capture file?")?;
    let folder = arguments.next().ok_or("into which folder?")?;
    let mut flows: BTreeMap<(End, End), Vec<u8>> = BTreeMap::new();
    let mut packets = vec![0];
    let mut reader = CaptureReader::new(File::open(&capture)?)?;
    let mut count = 0;
    while let Some(record) = reader.next()? {
        let Record::Packet(packet) = record else { continue };
        count += 1;
        if count <= PACKETS
            && let Ok(length) = u16::try_from(packet.data.len())
        {
            packets.extend((length & 0x7fff).to_be_bytes());
            packets.extend_from_slice(packet.data);
        }
        let Ok(Some(decoded)) = decode(&packet) else { continue };
        let (source, destination, data) = match decoded.payload {
            Payload::Tcp(header, data) => (header.source_port, header.destination_port, data.data()),
            Payload::Udp(header, data) => (header.source_port, header.destination_port, data.data()),
            _ => continue,
        };
        let (from, to) = ((decoded.network.source, source), (decoded.network.destination, destination));
        // Servers listen on the lower port.
        let (client, server, flags) = if source > destination { (from, to, 0) } else { (to, from, 1) };
        let script = flows.entry((client, server)).or_default();
        // A WebSocket dissector begins behind the handshake.
        let is_upgrade = data.windows(18).any(|part| part.eq_ignore_ascii_case(b"upgrade: websocket"));
        let Ok(length) = u16::try_from(data.len()) else { continue };
        if length > 0 && script.len() + data.len() < SCRIPT_BYTES_MAX && !is_upgrade {
            script.push(flags);
            script.extend(length.to_be_bytes());
            script.extend_from_slice(data);
        }
    }
    let name = Path::new(&capture).file_stem().and_then(|name| name.to_str()).unwrap_or("capture");
    for kind in ["flows", "packets"] {
        fs::create_dir_all(Path::new(&folder).join(kind))?;
    }
    for (number, script) in flows.values().filter(|script| !script.is_empty()).enumerate() {
        fs::write(Path::new(&folder).join("flows").join(format!("{name}-{number}")), script)?;
    }
    fs::write(Path::new(&folder).join("packets").join(name), packets)?;
    Ok(())
}

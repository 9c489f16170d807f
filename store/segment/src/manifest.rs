//! The manifest: what a sealed segment covers, readable without opening it.
//!
//! It repeats what the segment says about itself, plus the SHA-256 of the whole file, which the
//! file can't hold. It can be derived again from the segment at any time.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::codec::{LossJson, Origin, OriginJson, nanos};
use crate::error::Error;
use crate::id::{Digest, SegmentId, from_hex, to_hex};
use crate::packet::{Interface, LinkType};
use crate::record::Loss;
use crate::time::{TimeRange, Timestamp};

/// Version of manifests and segments that this crate writes.
pub const FORMAT_VERSION: u32 = 1;

/// Longest manifest that is read: with the most losses and interfaces about 20 MiB.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// What a sealed segment covers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manifest {
    /// Version of the segment's format.
    pub format_version: u32,
    /// Which segment.
    pub id: SegmentId,
    /// From the earliest to the latest packet; `None` without packets.
    pub range: Option<TimeRange>,
    /// Packets.
    pub packets: u64,
    /// Bytes of packets that were kept.
    pub bytes: u64,
    /// Bytes that the packets had on the wire.
    pub original_bytes: u64,
    /// Bytes of the segment's file.
    pub file_bytes: u64,
    /// Frames.
    pub frames: u32,
    /// Interfaces, by number, and what came by each.
    pub interfaces: Vec<InterfaceCount>,
    /// The ledger of losses.
    pub losses: Vec<Loss>,
    /// Merkle root over frames and footer: the segment's own digest, which the next one links to.
    pub blake3_root: Digest,
    /// SHA-256 of the whole file.
    pub sha256: Digest,
    /// Root of the segment before, if there is one.
    pub previous: Option<Digest>,
    /// Ed25519 signature of the seal's statement.
    pub signature: [u8; 64],
    /// Ed25519 public key of the recorder.
    pub public_key: [u8; 32],
    /// The machine that recorded it.
    pub node: String,
    /// Which boot of that machine.
    pub boot_id: String,
    /// When it was sealed, by that machine's clock.
    pub sealed_at: Timestamp,
    /// Where the packets came from.
    pub origin: Origin,
}

/// An interface and what came by it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InterfaceCount {
    /// The interface.
    pub interface: Interface,
    /// Packets.
    pub packets: u64,
    /// Bytes of packets that were kept.
    pub bytes: u64,
    /// Bytes that the packets had on the wire.
    pub original_bytes: u64,
}

impl InterfaceCount {
    /// An interface by which nothing came yet.
    pub(crate) fn none(interface: Interface) -> Self {
        Self { interface, packets: 0, bytes: 0, original_bytes: 0 }
    }
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// If the file can't be read, is not a manifest, or is of a later version.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let length = fs::metadata(path).map_err(Error::io("read", path))?.len();
        if length > MANIFEST_BYTES_MAX {
            return Err(Error::Manifest { path: path.to_path_buf(), reason: format!("{length} bytes long") });
        }
        Self::parse(&fs::read(path).map_err(Error::io("read", path))?, path)
    }

    /// Reads a manifest's bytes, which came from `path` or are a copy of what lies there.
    ///
    /// # Errors
    /// If the bytes are not a manifest, or of a later version.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Manifest { path: path.to_path_buf(), reason };
        let json: ManifestJson = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if json.format_version > FORMAT_VERSION {
            return Err(Error::Version { path: path.to_path_buf(), version: json.format_version });
        }
        json.manifest().map_err(|error| wrong(error.to_string()))
    }

    /// Writes the manifest: whole or not at all, and on disk when this returns.
    ///
    /// # Errors
    /// If the file or its directory can't be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let mut json = serde_json::to_vec_pretty(&ManifestJson::from(self))
            .map_err(|error| Error::Manifest { path: path.to_path_buf(), reason: error.to_string() })?;
        json.push(b'\n');
        let temporary = path.with_extension("json.tmp");
        let mut file = File::create(&temporary).map_err(Error::io("create", &temporary))?;
        file.write_all(&json).map_err(Error::io("write", &temporary))?;
        file.sync_all().map_err(Error::io("sync", &temporary))?;
        fs::rename(&temporary, path).map_err(Error::io("rename to", path))?;
        match path.parent() {
            Some(parent) => sync_directory(parent),
            None => Ok(()),
        }
    }
}

/// Makes renames in a directory last.
pub(crate) fn sync_directory(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(Error::io("sync", path))
}

#[derive(Serialize, Deserialize)]
struct ManifestJson {
    format_version: u32,
    id: String,
    range: Option<RangeJson>,
    packets: u64,
    bytes: u64,
    original_bytes: u64,
    file_bytes: u64,
    frames: u32,
    interfaces: Vec<InterfaceJson>,
    losses: Vec<LossJson>,
    blake3_root: String,
    sha256: String,
    previous: Option<String>,
    signature: String,
    public_key: String,
    node: String,
    boot_id: String,
    sealed_at: String,
    sealed_at_rfc3339: String,
    origin: OriginJson,
}

/// Half-open; the RFC 3339 texts are for people and are not read back.
#[derive(Serialize, Deserialize)]
struct RangeJson {
    from: String,
    to: String,
    from_rfc3339: String,
    to_rfc3339: String,
}

#[derive(Serialize, Deserialize)]
struct InterfaceJson {
    name: String,
    description: String,
    link_type: u16,
    snap_length_bytes: u32,
    filter: String,
    packets: u64,
    bytes: u64,
    original_bytes: u64,
}

impl From<&Manifest> for ManifestJson {
    fn from(manifest: &Manifest) -> Self {
        Self {
            format_version: manifest.format_version,
            id: manifest.id.to_string(),
            range: manifest.range.map(|range| RangeJson {
                from: range.start().nanos().to_string(),
                to: range.end().nanos().to_string(),
                from_rfc3339: range.start().rfc3339(),
                to_rfc3339: range.end().rfc3339(),
            }),
            packets: manifest.packets,
            bytes: manifest.bytes,
            original_bytes: manifest.original_bytes,
            file_bytes: manifest.file_bytes,
            frames: manifest.frames,
            interfaces: manifest.interfaces.iter().map(InterfaceJson::from).collect(),
            losses: manifest.losses.iter().map(LossJson::from).collect(),
            blake3_root: manifest.blake3_root.to_string(),
            sha256: manifest.sha256.to_string(),
            previous: manifest.previous.map(|digest| digest.to_string()),
            signature: to_hex(&manifest.signature),
            public_key: to_hex(&manifest.public_key),
            node: manifest.node.clone(),
            boot_id: manifest.boot_id.clone(),
            sealed_at: manifest.sealed_at.nanos().to_string(),
            sealed_at_rfc3339: manifest.sealed_at.rfc3339(),
            origin: OriginJson::from(&manifest.origin),
        }
    }
}

impl ManifestJson {
    fn manifest(self) -> Result<Manifest, Error> {
        let range = match self.range {
            None => None,
            Some(range) => Some(
                TimeRange::new(nanos(&range.from)?, nanos(&range.to)?)
                    .ok_or(Error::Malformed { what: "range: its end comes before its start" })?,
            ),
        };
        Ok(Manifest {
            format_version: self.format_version,
            id: self.id.parse()?,
            range,
            packets: self.packets,
            bytes: self.bytes,
            original_bytes: self.original_bytes,
            file_bytes: self.file_bytes,
            frames: self.frames,
            interfaces: self.interfaces.into_iter().map(InterfaceCount::from).collect(),
            losses: self.losses.into_iter().map(Loss::try_from).collect::<Result<_, _>>()?,
            blake3_root: self.blake3_root.parse()?,
            sha256: self.sha256.parse()?,
            previous: self.previous.map(|digest| digest.parse()).transpose()?,
            signature: from_hex(&self.signature).ok_or(Error::Malformed { what: "signature" })?,
            public_key: from_hex(&self.public_key).ok_or(Error::Malformed { what: "public key" })?,
            node: self.node,
            boot_id: self.boot_id,
            sealed_at: nanos(&self.sealed_at)?,
            origin: self.origin.try_into()?,
        })
    }
}

impl From<&InterfaceCount> for InterfaceJson {
    fn from(count: &InterfaceCount) -> Self {
        Self {
            name: count.interface.name.clone(),
            description: count.interface.description.clone(),
            link_type: count.interface.link_type.0,
            snap_length_bytes: count.interface.snap_length_bytes,
            filter: count.interface.filter.clone(),
            packets: count.packets,
            bytes: count.bytes,
            original_bytes: count.original_bytes,
        }
    }
}

impl From<InterfaceJson> for InterfaceCount {
    fn from(json: InterfaceJson) -> Self {
        Self {
            interface: Interface {
                name: json.name,
                description: json.description,
                link_type: LinkType(json.link_type),
                snap_length_bytes: json.snap_length_bytes,
                filter: json.filter,
            },
            packets: json.packets,
            bytes: json.bytes,
            original_bytes: json.original_bytes,
        }
    }
}

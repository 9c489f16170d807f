//! The JSON inside our custom blocks and the manifest, kept apart from the types themselves.
//!
//! Nanoseconds are strings: JSON numbers are doubles to many readers and would lose digits.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::id::{Digest, SegmentId, from_hex};
use crate::record::{ClockState, Loss, LossCause};
use crate::time::{TimeRange, Timestamp};

/// Name of the custom block behind the section header.
pub(crate) const HEADER: &str = "remora.header";
/// Name of the custom block that every frame but the first begins with.
pub(crate) const MARK: &str = "remora.frame";
/// Name of custom blocks with a [`Loss`].
pub(crate) const LOSS: &str = "remora.loss";
/// Name of custom blocks with a [`ClockState`].
pub(crate) const CLOCK: &str = "remora.clock";

/// Where the packets of a segment came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Captured live.
    Capture,
    /// Read from a capture file.
    Import {
        /// The file's name, as the user gave it.
        file: String,
        /// BLAKE3 of the whole file.
        blake3: Digest,
    },
}

/// What the first frame says about the whole segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// Version of the format, from 1.
    pub format_version: u32,
    /// The segment's own name.
    pub id: SegmentId,
    /// The machine that recorded it.
    pub node: String,
    /// Which boot of that machine.
    pub boot_id: String,
    /// Program and version that wrote it.
    pub recorder: String,
    /// Root digest of the segment before, if there is one.
    pub previous: Option<Digest>,
    /// Where the packets came from.
    pub origin: Origin,
    /// A random number that every frame repeats. Behind damage, frames are searched for by their looks; a
    /// packet could hold a made-up frame, but whoever sent it didn't know this number.
    pub nonce: u64,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OriginJson {
    Capture,
    Import { file: String, blake3: String },
}

#[derive(Serialize, Deserialize)]
struct HeaderJson {
    format_version: u32,
    id: String,
    node: String,
    boot_id: String,
    recorder: String,
    previous: Option<String>,
    origin: OriginJson,
    nonce: String,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
pub(crate) struct LossJson {
    pub from: String,
    pub to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    pub cause: String,
    pub packets: Option<u64>,
    pub bytes: Option<u64>,
    #[serde(default)]
    pub note: String,
}

#[derive(Serialize, Deserialize)]
struct ClockJson {
    at: String,
    synchronised: bool,
    offset_nanos: Option<i64>,
    error_nanos_max: Option<i64>,
    source: String,
}

impl From<&Origin> for OriginJson {
    fn from(origin: &Origin) -> Self {
        match origin {
            Origin::Capture => Self::Capture,
            Origin::Import { file, blake3 } => {
                Self::Import { file: file.clone(), blake3: blake3.to_string() }
            }
        }
    }
}

impl TryFrom<OriginJson> for Origin {
    type Error = Error;

    fn try_from(json: OriginJson) -> Result<Self, Error> {
        Ok(match json {
            OriginJson::Capture => Self::Capture,
            OriginJson::Import { file, blake3 } => Self::Import { file, blake3: blake3.parse()? },
        })
    }
}

impl From<&Loss> for LossJson {
    fn from(loss: &Loss) -> Self {
        Self {
            from: loss.range.start().nanos().to_string(),
            to: loss.range.end().nanos().to_string(),
            interface: loss.interface.clone(),
            cause: loss.cause.name().to_owned(),
            packets: loss.packets,
            bytes: loss.bytes,
            note: loss.note.clone(),
        }
    }
}

impl TryFrom<LossJson> for Loss {
    type Error = Error;

    fn try_from(json: LossJson) -> Result<Self, Error> {
        let malformed = Error::Malformed { what: "loss record" };
        let range = TimeRange::new(nanos(&json.from)?, nanos(&json.to)?);
        let (Some(range), Some(cause)) = (range, LossCause::from_name(&json.cause)) else {
            return Err(malformed);
        };
        let LossJson { interface, packets, bytes, note, .. } = json;
        Ok(Self { range, interface, cause, packets, bytes, note })
    }
}

/// Nanoseconds written as decimal text.
pub(crate) fn nanos(text: &str) -> Result<Timestamp, Error> {
    text.parse()
        .map(Timestamp::from_nanos)
        .map_err(|_| Error::Malformed { what: "time: expected nanoseconds" })
}

pub(crate) fn header_to_json(header: &Header) -> Result<String, Error> {
    to_json(&HeaderJson {
        format_version: header.format_version,
        id: header.id.to_string(),
        node: header.node.clone(),
        boot_id: header.boot_id.clone(),
        recorder: header.recorder.clone(),
        previous: header.previous.map(|digest| digest.to_string()),
        origin: OriginJson::from(&header.origin),
        nonce: format!("{:016x}", header.nonce),
    })
}

/// The version that a header claims, whatever else is in it.
pub(crate) fn header_version(json: &str) -> Option<u32> {
    #[derive(Deserialize)]
    struct VersionJson {
        format_version: u32,
    }
    serde_json::from_str(json).ok().map(|VersionJson { format_version }| format_version)
}

pub(crate) fn header_from_json(json: &str) -> Result<Header, Error> {
    let json: HeaderJson = from_json(json, "header record")?;
    Ok(Header {
        format_version: json.format_version,
        id: json.id.parse()?,
        node: json.node,
        boot_id: json.boot_id,
        recorder: json.recorder,
        previous: json.previous.map(|digest| digest.parse()).transpose()?,
        origin: json.origin.try_into()?,
        nonce: from_hex(&json.nonce)
            .map(u64::from_be_bytes)
            .ok_or(Error::Malformed { what: "header record" })?,
    })
}

/// What every frame but the first begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mark {
    /// The segment's own number; see [`Header::nonce`].
    pub nonce: u64,
    /// How many interfaces were described before this frame: without it, a damaged header frame would
    /// shift the numbers of all interfaces behind it.
    pub interfaces: u32,
}

#[derive(Serialize, Deserialize)]
struct MarkJson {
    nonce: String,
    interfaces: u32,
}

pub(crate) fn mark_to_json(mark: Mark) -> Result<String, Error> {
    to_json(&MarkJson { nonce: format!("{:016x}", mark.nonce), interfaces: mark.interfaces })
}

pub(crate) fn mark_from_json(json: &str) -> Result<Mark, Error> {
    let json: MarkJson = from_json(json, "frame mark")?;
    let nonce =
        from_hex(&json.nonce).map(u64::from_be_bytes).ok_or(Error::Malformed { what: "frame mark" })?;
    Ok(Mark { nonce, interfaces: json.interfaces })
}

pub(crate) fn loss_to_json(loss: &Loss) -> Result<String, Error> {
    to_json(&LossJson::from(loss))
}

pub(crate) fn loss_from_json(json: &str) -> Result<Loss, Error> {
    from_json::<LossJson>(json, "loss record")?.try_into()
}

pub(crate) fn clock_to_json(clock: &ClockState) -> Result<String, Error> {
    to_json(&ClockJson {
        at: clock.timestamp.nanos().to_string(),
        synchronised: clock.synchronised,
        offset_nanos: clock.offset_nanos,
        error_nanos_max: clock.error_nanos_max,
        source: clock.source.clone(),
    })
}

pub(crate) fn clock_from_json(json: &str) -> Result<ClockState, Error> {
    let json: ClockJson = from_json(json, "clock record")?;
    Ok(ClockState {
        timestamp: nanos(&json.at)?,
        synchronised: json.synchronised,
        offset_nanos: json.offset_nanos,
        error_nanos_max: json.error_nanos_max,
        source: json.source,
    })
}

fn to_json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| Error::Malformed { what: "value for JSON" })
}

fn from_json<'a, T: Deserialize<'a>>(json: &'a str, what: &'static str) -> Result<T, Error> {
    serde_json::from_str(json).map_err(|_| Error::Malformed { what })
}

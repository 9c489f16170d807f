//! Where a message begins and ends, and its head.
//!
//! Every message is an int32 length and so many bytes. A request begins with the operation's number and
//! version, a correlation id and the client's id, a response with the correlation id alone:
//!
//! ```text
//! request   length:4 api_key:2 api_version:2 correlation_id:4 client_id:string [tagged fields] body
//! response  length:4 correlation_id:4 [tagged fields] body
//! ```
//!
//! The tagged fields are there in flexible versions (KIP-482), with one exception: the response to
//! `ApiVersions` has none, because its reader doesn't know yet what the broker speaks (KIP-511).

use super::decode::{self, Body, End, Reader, Stop};
use super::schema::{self, Api};
use super::value::Value;

/// Longest message. Brokers take requests up to 100 MiB (`socket.request.max.bytes`) and answer with 50 MiB
/// (`fetch.max.bytes`), and both can be configured. Text and TLS, read as a length, are longer.
pub const MESSAGE_BYTES_MAX: u32 = 256 * 1024 * 1024;

/// Bytes of the length that stands before each message.
pub const LENGTH_BYTES: usize = 4;

/// Shortest request: `ControlledShutdown` of version 0 had no client id.
pub(super) const REQUEST_BYTES_MIN: u32 = 8;

/// Shortest response: there is an id at least.
pub(super) const RESPONSE_BYTES_MIN: u32 = 4;

/// Bytes of a response's head, of what every response has.
pub const RESPONSE_HEAD_BYTES: usize = 4;

/// Longest client id that is believed where nothing else is known: those of real clients are names.
const CLIENT_ID_BYTES_MAX: usize = 1024;

/// Most bytes of a message that are looked at to tell whether it is one.
pub const SOUND_BYTES_MAX: usize = 4000;

const CONTROLLED_SHUTDOWN: i16 = 7;
const API_VERSIONS: i16 = 18;
const PRODUCE: i16 = 0;

/// The head of a request.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Head {
    /// Which operation; see [`schema::api`].
    pub api_key: i16,
    /// In which version.
    pub api_version: i16,
    /// The response has the same.
    pub correlation_id: i32,
    /// How the client calls itself.
    pub client_id: Option<String>,
    /// Bytes of the head in the message.
    bytes: u32,
}

impl Head {
    /// Bytes of the head in the message.
    #[must_use]
    pub fn length_bytes(&self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }

    /// The operation, if its number is known.
    #[must_use]
    pub fn api(&self) -> Option<&'static Api> {
        schema::api(self.api_key)
    }

    fn is_known(&self) -> bool {
        self.api().is_some_and(|api| api.versions.contains(self.api_version))
    }
}

/// A length that a message may have; `Ok(None)` if its bytes are not all there.
pub fn length(input: &[u8]) -> Result<Option<u32>, Malformed> {
    let Some(bytes) = input.first_chunk() else { return Ok(None) };
    let length = u32::from_be_bytes(*bytes);
    if length > MESSAGE_BYTES_MAX { Err(Malformed) } else { Ok(Some(length)) }
}

/// Bytes that no message of the protocol begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a Kafka message")]
pub struct Malformed;

/// Reads the head of a request from what follows its length; `Ok(None)` if `message` ends within it.
pub(super) fn head(message: Body<'_>) -> Result<Option<Head>, Malformed> {
    match read_head(message) {
        Ok(head) => Ok(Some(head)),
        Err(Stop::Cut) => Ok(None),
        Err(_) => Err(Malformed),
    }
}

fn read_head(message: Body<'_>) -> Result<Head, Stop> {
    let mut reader = Reader::new(message, 0, false);
    let api_key = i16::from_be_bytes(reader.array()?);
    let api_version = i16::from_be_bytes(reader.array()?);
    if api_key < 0 || api_version < 0 {
        return Err(Stop::Malformed);
    }
    let correlation_id = reader.int32()?;
    // The first version of this one is older than client ids.
    let has_client = (api_key, api_version) != (CONTROLLED_SHUTDOWN, 0);
    let client_id = if has_client { reader.string()? } else { None };
    if schema::api(api_key).is_some_and(|api| api.flexible.contains(api_version)) {
        reader.skip_tagged()?;
    }
    let bytes = message.bytes.len().saturating_sub(reader.rest.len());
    Ok(Head {
        api_key,
        api_version,
        correlation_id,
        client_id: client_id.map(|id| String::from_utf8_lossy(id).into_owned()),
        bytes: u32::try_from(bytes).map_err(|_| Stop::Malformed)?,
    })
}

/// What a look at bytes that may begin a message tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Look {
    /// A message begins here.
    Sound,
    /// Nothing of the protocol begins here; why, in a few words.
    Not(&'static str),
    /// What seems to be a message's head, with a body that is none.
    Unread,
    /// More bytes are needed to tell.
    More,
}

/// Whether a request may begin where one must: the least that every request has.
pub(super) fn begins_request(length_bytes: u32, message: &[u8]) -> Look {
    if length_bytes < REQUEST_BYTES_MIN {
        return Look::Not("shorter than any request");
    }
    match message.first_chunk() {
        None => Look::More,
        Some([key, _, version, _]) if *key > 0x7f || *version > 0x7f => Look::Not("no request header"),
        Some(_) => Look::Sound,
    }
}

/// Whether a request begins at `input`: one that is known, by a client with a plausible name, whose body is read to
/// its end, or, if it is long, as far as [`SOUND_BYTES_MAX`] bytes go.
pub(super) fn look_for_request(input: &[u8], may_be: impl Fn(&Head) -> bool) -> Look {
    let length = match length(input) {
        Ok(Some(length)) => length,
        Ok(None) => return Look::More,
        Err(Malformed) => return Look::Not("no sane length"),
    };
    let Some(message) = input.get(LENGTH_BYTES..) else { return Look::More };
    if length < REQUEST_BYTES_MIN {
        return Look::Not("shorter than any request");
    }
    // Tells most other protocols, even from their first bytes.
    if let Some(number) = message.first_chunk().map(|bytes| i16::from_be_bytes(*bytes))
        && schema::api(number).is_none()
    {
        return Look::Not("no known API key");
    }
    // Nor is a name waited for that no client has.
    if let Some([high, low]) = message.get(8..).and_then(|rest| rest.first_chunk())
        && *high < 0x80
        && usize::from(*high) << 8 | usize::from(*low) > CLIENT_ID_BYTES_MAX
        && !message.starts_with(&[0, 7, 0, 0])
    {
        return Look::Not("no plausible client id");
    }
    let message = beginning(message, length);
    let head = match head(message) {
        Ok(Some(head)) => head,
        Ok(None) => return Look::More,
        Err(Malformed) => return Look::Not("no request header"),
    };
    if !head.is_known() {
        return Look::Not("no known API version");
    }
    let is_plausible = head.correlation_id >= 0 && head.client_id.as_deref().is_none_or(is_client_id);
    // Zeros make an empty one; who has none is believed where the whole message can be read.
    let is_long = usize::try_from(length).is_ok_and(|length| length > SOUND_BYTES_MAX);
    let is_nameless = head.client_id.as_ref().is_none_or(String::is_empty);
    if !is_plausible || is_long && is_nameless || !may_be(&head) {
        return Look::Not("no plausible client id");
    }
    look_at_body(&head, message)
}

/// The beginning of a message that is looked at, as far as it is there.
pub(super) fn beginning(message: &[u8], length_bytes: u32) -> Body<'_> {
    let length = usize::try_from(length_bytes).unwrap_or(usize::MAX);
    let bytes = message.get(..length.min(SOUND_BYTES_MAX)).unwrap_or(message);
    let missing = u64::try_from(length.saturating_sub(bytes.len())).unwrap_or(u64::MAX);
    Body { bytes, missing }
}

/// What the end of reading a message's beginning says of it: nonsense shows early, sense only at the end.
pub(super) fn sound(end: End, message: Body<'_>) -> Look {
    match end {
        End::Whole => Look::Sound,
        End::Cut if message.bytes.len() >= SOUND_BYTES_MAX => Look::Sound,
        End::Cut => Look::More,
        _ => Look::Unread,
    }
}

fn look_at_body(head: &Head, message: Body<'_>) -> Look {
    let Some(api) = head.api() else { return Look::Unread };
    let body = Body { bytes: message.bytes.get(head.length_bytes()..).unwrap_or_default(), ..message };
    let decoded = decode::body(&api.request, api, head.api_version, body);
    let look = sound(decoded.end, message);
    if head.api_key != PRODUCE || look != Look::Sound {
        return look;
    }
    // Zeros, which are frequent, make a `Produce` of nothing.
    let number = |name| super::value::field(&decoded.fields, name).and_then(Value::number);
    let topics =
        super::value::field(&decoded.fields, "topicData").map_or(0, |topics| topics.elements().len());
    let is_sensible = number("acks").is_some_and(|acks| (-1..=1).contains(&acks)) && topics > 0;
    if is_sensible { Look::Sound } else { Look::Unread }
}

/// Names as people and programs give them: text without control characters.
fn is_client_id(id: &str) -> bool {
    id.len() <= CLIENT_ID_BYTES_MAX && !id.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)
}

/// Whether the response to a request has tagged fields in its head.
pub(super) fn is_flexible_response(api: &Api, version: i16) -> bool {
    api.key != API_VERSIONS && api.flexible.contains(version)
}

/// The body behind the tagged fields of a head.
pub(super) fn skip_tagged(body: Body<'_>) -> Result<Body<'_>, Stop> {
    let mut reader = Reader::new(body, 0, true);
    reader.skip_tagged()?;
    Ok(Body { bytes: reader.rest, ..body })
}

/// What a broker's first bytes tell: at most that they may be a response.
pub(super) fn look_for_response(input: &[u8]) -> Look {
    match length(input) {
        Ok(None) => return Look::More,
        Ok(Some(length)) if length >= RESPONSE_BYTES_MIN => {}
        _ => return Look::Not("no sane length"),
    }
    match input.get(LENGTH_BYTES) {
        Some(byte) if *byte > 0x7f => Look::Not("no correlation id"),
        _ => Look::More,
    }
}

//! gRPC and gRPC-Web, as interpretations of HTTP messages.
//!
//! A call is one HTTP exchange: the path names service and method, the bodies hold messages with a prefix of
//! five bytes each ([`body`]), metadata goes in header fields ([`metadata`]), and how the call ended is told
//! by trailers ([`status`]). gRPC-Web puts the trailers into the response's body, because browsers show
//! scripts no trailers, and may write the body in [`base64`]. What messages mean is known to their schema;
//! [`protobuf`] reads as much as can be read without one.
//!
//! All of it are pure functions over what was kept of the HTTP messages
//! (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>,
//! <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md>).

pub mod base64;
pub mod body;
pub mod metadata;
pub mod protobuf;
pub mod status;

pub use body::{Body, End, Message};
pub use status::Status;

use crate::protocol::http_view::{BodyView, Fields, RequestView, ResponseView, media_type};

/// How a call is put into HTTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flavour {
    /// gRPC proper: trailers are HTTP's.
    Grpc,
    /// gRPC-Web: trailers are the last part of the body.
    Web,
    /// gRPC-Web with the body in base64.
    WebText,
}

/// How messages are written, as far as the content type says: `application/grpc+json`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    /// Protocol Buffers, also where nothing is said.
    Protobuf,
    /// JSON.
    Json,
    /// Something else.
    Other,
}

/// The request of a call.
#[derive(Clone, PartialEq, Debug)]
pub struct Request<'a> {
    /// `helloworld.Greeter`.
    pub service: String,
    /// `SayHello`.
    pub method: String,
    /// How the call is put into HTTP.
    pub flavour: Flavour,
    /// How messages are written.
    pub codec: Codec,
    /// How long the client will wait, if it said so.
    pub timeout_ns: Option<u64>,
    /// How compressed messages are compressed.
    pub encoding: Option<&'a [u8]>,
    /// The messages.
    pub body: Body<'a>,
}

/// The response of a call.
#[derive(Clone, PartialEq, Debug)]
pub struct Response<'a> {
    /// How the call is put into HTTP.
    pub flavour: Flavour,
    /// How messages are written.
    pub codec: Codec,
    /// How the call ended, if that was seen.
    pub status: Option<Status>,
    /// Whether the head told how the call ended, because there was nothing to answer.
    pub is_trailers_only: bool,
    /// How compressed messages are compressed.
    pub encoding: Option<&'a [u8]>,
    /// The messages.
    pub body: Body<'a>,
}

/// Whether a message with these fields may belong to a call, so that its body is to be kept.
#[must_use]
pub fn may_be(headers: Fields<'_>) -> bool {
    content(headers).is_some() || is_unknown(headers)
}

/// Reads a request; `None` if it is of no call.
#[must_use]
pub fn request<'a>(view: &RequestView<'a>, decoded_bytes_max: usize) -> Option<Request<'a>> {
    let (flavour, codec) = content(view.headers).or_else(|| content_of_body(view.headers, &view.body))?;
    let (service, method) = service_and_method(view.target);
    Some(Request {
        service,
        method,
        flavour,
        codec,
        timeout_ns: view.headers.value("grpc-timeout").and_then(metadata::timeout_ns),
        encoding: view.headers.value("grpc-encoding"),
        body: body(&view.body, view.headers, flavour, decoded_bytes_max),
    })
}

/// Reads a response; `None` if it is of no call. A proxy that answers a call by itself often sends no gRPC.
#[must_use]
pub fn response<'a>(view: &ResponseView<'a>, decoded_bytes_max: usize) -> Option<Response<'a>> {
    let told = content(view.headers).or_else(|| content_of_body(view.headers, &view.body));
    let (flavour, codec) = match told {
        Some(told) => told,
        // The content type of a response without content may be missing.
        None => {
            let fields = [view.headers, view.body.trailers];
            fields.iter().find(|fields| fields.value("grpc-status").is_some())?;
            (Flavour::Grpc, Codec::Protobuf)
        }
    };
    let body = body(&view.body, view.headers, flavour, decoded_bytes_max);
    let in_body = body.trailers.as_ref().and_then(|trailers| Status::of(Fields::Http1(trailers)));
    let in_trailers = Status::of(view.body.trailers);
    let in_head = Status::of(view.headers);
    let is_trailers_only = in_body.is_none() && in_trailers.is_none() && in_head.is_some();
    Some(Response {
        flavour,
        codec,
        status: in_trailers.or(in_body).or(in_head),
        is_trailers_only,
        encoding: view.headers.value("grpc-encoding"),
        body,
    })
}

/// The messages in a body. Where not even the head was seen, nobody knows what of the body came before the first byte
/// that was.
fn body<'a>(
    view: &BodyView<'a>,
    headers: Fields<'_>,
    flavour: Flavour,
    decoded_bytes_max: usize,
) -> Body<'a> {
    let body = Body::read(view, headers, flavour, decoded_bytes_max);
    if headers.is_missing() { body.without_beginning() } else { body }
}

/// Whether the content type may be among what HPACK left unknown.
fn is_unknown(headers: Fields<'_>) -> bool {
    !headers.is_whole() && headers.value("content-type").is_none()
}

/// Where the content type is not known: a whole body that is messages from its first byte to its last is
/// gRPC's. By chance that is one of more than a billion.
fn content_of_body(headers: Fields<'_>, body: &BodyView<'_>) -> Option<(Flavour, Codec)> {
    if !is_unknown(headers) || body.bytes.is_empty() {
        return None;
    }
    let read = Body::read(body, headers, Flavour::Grpc, 0);
    (read.end == End::Whole && read.count > 0).then_some((Flavour::Grpc, Codec::Protobuf))
}

/// What a content type says; `None` if it is none of gRPC's.
fn content(headers: Fields<'_>) -> Option<(Flavour, Codec)> {
    let name = media_type(headers).to_ascii_lowercase();
    let rest = name.strip_prefix(b"application/grpc")?;
    let (flavour, rest) = if let Some(rest) = rest.strip_prefix(b"-web-text") {
        (Flavour::WebText, rest)
    } else if let Some(rest) = rest.strip_prefix(b"-web") {
        (Flavour::Web, rest)
    } else {
        (Flavour::Grpc, rest)
    };
    let codec = match rest {
        b"" | b"+proto" => Codec::Protobuf,
        b"+json" => Codec::Json,
        _ if rest.starts_with(b"+") => Codec::Other,
        _ => return None,
    };
    Some((flavour, codec))
}

/// The last two parts of a path: gateways put prefixes before the service, and cut them off again.
fn service_and_method(target: &[u8]) -> (String, String) {
    let text = |part: Option<&[u8]>| String::from_utf8_lossy(part.unwrap_or_default()).into_owned();
    let path = target.split(|&byte| byte == b'?').next().unwrap_or_default();
    let mut parts = path.rsplit(|&byte| byte == b'/');
    let method = text(parts.next());
    (text(parts.next()), method)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::http1::message::Headers;
    use crate::protocol::http2::headers::{Header, HeaderList, Text};

    fn fields(text: &str) -> Headers {
        Headers::parse(text.as_bytes())
    }

    #[test]
    fn content_types_tell_flavour_and_codec() {
        let of = |value: &str| content(Fields::Http1(&fields(&format!("Content-Type: {value}\r\n"))));
        for (value, expected) in [
            ("application/grpc", Some((Flavour::Grpc, Codec::Protobuf))),
            ("Application/gRPC+proto; charset=x", Some((Flavour::Grpc, Codec::Protobuf))),
            ("application/grpc+json", Some((Flavour::Grpc, Codec::Json))),
            ("application/grpc+thrift", Some((Flavour::Grpc, Codec::Other))),
            ("application/grpc-web", Some((Flavour::Web, Codec::Protobuf))),
            ("application/grpc-web-text+proto", Some((Flavour::WebText, Codec::Protobuf))),
            ("application/grpcx", None),
            ("application/json", None),
        ] {
            assert_eq!(of(value), expected, "{value}");
        }
    }

    #[test]
    fn paths_name_service_and_method() {
        for (path, service, method) in [
            ("/helloworld.Greeter/SayHello", "helloworld.Greeter", "SayHello"),
            ("/api/v1/helloworld.Greeter/SayHello?x=/y", "helloworld.Greeter", "SayHello"),
            ("http://host/a.B/C", "a.B", "C"),
            ("/", "", ""),
            ("", "", ""),
        ] {
            assert_eq!(
                service_and_method(path.as_bytes()),
                (service.to_owned(), method.to_owned()),
                "{path}"
            );
        }
    }

    #[test]
    fn the_status_comes_from_trailers_or_from_the_head_alone() {
        let empty = Headers::default();
        let head = fields("content-type: application/grpc\r\n");
        let trailers = fields("grpc-status: 5\r\ngrpc-message: no%20such%20thing\r\n");
        let only = fields("content-type: application/grpc\r\ngrpc-status: 12\r\n");
        let read = |headers, trailers| {
            let (headers, trailers) = (Fields::Http1(headers), Fields::Http1(trailers));
            let body = BodyView { bytes: b"", length_bytes: 0, gaps: &[], complete: true, trailers };
            response(&ResponseView { headers, body }, 100)
        };
        let with_trailers = read(&head, &trailers).unwrap();
        let status = with_trailers.status.unwrap();
        assert_eq!((status.code, status.message.as_deref()), (5, Some("no such thing")));
        assert!(!with_trailers.is_trailers_only);
        let alone = read(&only, &empty).unwrap();
        assert_eq!((alone.status.unwrap().name(), alone.is_trailers_only), ("UNIMPLEMENTED", true));
        assert_eq!(read(&head, &empty).unwrap().status, None);
        assert_eq!(read(&empty, &empty), None);
        assert_eq!(read(&empty, &trailers).unwrap().status.unwrap().code, 5);
    }

    #[test]
    fn where_the_content_type_is_unknown_the_body_tells() {
        let mut list = HeaderList::default();
        list.push(Header { name: Text::Known(b":method"), value: Text::Known(b"POST") });
        list.push(Header { name: Text::Unknown, value: Text::Unknown });
        let headers = Fields::Http2(&list);
        let read = |bytes: &'static [u8]| {
            let length_bytes = bytes.len() as u64;
            let body = BodyView { bytes, length_bytes, gaps: &[], complete: true, trailers: headers };
            request(&RequestView { method: b"POST", target: b"", headers, body }, 100)
        };
        assert_eq!(read(b"\0\0\0\0\x02hi\0\0\0\0\0").unwrap().body.count, 2);
        assert_eq!(read(b"\0\0\0\0\x02hi\0\0\0"), None);
        assert_eq!(read(b""), None);
    }
}

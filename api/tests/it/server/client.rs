//! As much of HTTP/1.1 as tests need, with nothing between them and the wire.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// Nothing that is tested takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// Asks one server.
pub struct Client {
    address: String,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the body came to its end.
    pub is_whole: bool,
}

impl Client {
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), headers: vec![("Host".to_owned(), address.to_owned())] }
    }

    /// With a header, in place of one of that name.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Response {
        self.send("GET", path, b"")
    }

    #[track_caller]
    pub fn send(&self, method: &str, path: &str, body: &[u8]) -> Response {
        read(&mut self.begin(method, path, body))
    }

    /// Asks, and leaves the answer to be read.
    #[track_caller]
    pub fn begin(&self, method: &str, path: &str, body: &[u8]) -> BufReader<TcpStream> {
        let mut stream = self.connect();
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        // The server may have said no by now, and closed.
        let _ = stream.write_all(body);
        BufReader::new(stream)
    }

    #[track_caller]
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }
}

/// Reads an answer.
#[track_caller]
pub fn read(stream: &mut BufReader<TcpStream>) -> Response {
    let (status, headers) = head(stream).expect("an answer");
    let value = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let (mut body, mut is_whole) = (Vec::new(), true);
    if value("transfer-encoding") == Some("chunked") {
        loop {
            match chunk(stream) {
                Some(bytes) if bytes.is_empty() => break,
                Some(bytes) => body.extend(bytes),
                None => {
                    is_whole = false;
                    break;
                }
            }
        }
    } else if let Some(length) = value("content-length") {
        let length: u64 = length.parse().unwrap();
        let _ = stream.take(length).read_to_end(&mut body);
        is_whole = body.len() as u64 == length;
    } else if status != 204 && status != 304 {
        let _ = stream.read_to_end(&mut body);
    }
    Response { status, headers, body, is_whole }
}

/// The first lines of an answer; `None` where the connection ends instead.
pub fn head(stream: &mut BufReader<TcpStream>) -> Option<(u16, Vec<(String, String)>)> {
    let first = line(stream)?;
    let status = first.split(' ').nth(1)?.parse().ok()?;
    let mut headers = Vec::new();
    loop {
        let line = line(stream)?;
        let Some((name, value)) = line.split_once(':') else { return Some((status, headers)) };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

/// The next part of a chunked body; the last is empty, and none comes of a body that breaks off.
pub fn chunk(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let length = usize::from_str_radix(&line(stream)?, 16).ok()?;
    let mut bytes = vec![0; length + 2];
    stream.read_exact(&mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|length| *length > 0)?;
    Some(line.trim_end().to_owned())
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// A problem document of this status.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], status);
        for part in ["type", "title", "detail"] {
            assert!(!problem[part].as_str().unwrap().is_empty(), "{problem}");
        }
        problem
    }
}

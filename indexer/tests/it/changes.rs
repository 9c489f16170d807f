//! What changed is told, and nothing where nothing did.

use std::collections::BTreeMap;

use indexer::{Change, Data, Diff, DiffOptions, Scope, Subject, What};
use segment::{InterfaceId, LinkType, Packet, TimeRange, Timestamp};
use tempfile::TempDir;

use crate::recording::{self, Recorder};

const SECOND: i64 = 1_000_000_000;
/// Where the stretch before begins; it lasts ten minutes, and so does the one after.
const START: i64 = 1_700_000_000 * SECOND;
const LENGTH: i64 = 600 * SECOND;

/// Packets in order of time.
#[derive(Default)]
struct Wire {
    packets: BTreeMap<(i64, usize), Vec<u8>>,
    ports: u16,
}

impl Wire {
    fn packet(&mut self, at: i64, protocol: u8, ends: [(u8, u16); 2], above: &[u8]) {
        let [(source, _), (destination, _)] = ends;
        let mut data = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
        data.extend(u16::try_from(20 + above.len()).unwrap().to_be_bytes());
        data.extend([0, 0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, source, 10, 0, 0, destination]);
        data.extend(above);
        self.packets.insert((at, self.packets.len()), data);
    }

    fn tcp(&mut self, at: i64, ends: [(u8, u16); 2], numbers: [u32; 2], flags: u8, payload: &[u8]) {
        let mut above = Vec::new();
        ends.iter().for_each(|(_, port)| above.extend(port.to_be_bytes()));
        numbers.iter().for_each(|number| above.extend(number.to_be_bytes()));
        above.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        above.extend(payload);
        self.packet(at, 6, ends, &above);
    }

    /// A connection with one request and, after a while, its response.
    fn asks(
        &mut self,
        at: i64,
        [client, server]: [u8; 2],
        port: u16,
        request: &[u8],
        answer: Option<(i64, &[u8])>,
    ) {
        self.ports = self.ports % 50_000 + 1;
        let ends = [(client, 10_000 + self.ports), (server, port)];
        let back = [ends[1], ends[0]];
        let (asked, micro) = (101 + u32::try_from(request.len()).unwrap(), 1_000);
        self.tcp(at - 3 * micro, ends, [100, 0], 0x02, b"");
        self.tcp(at - 2 * micro, back, [500, 101], 0x12, b"");
        self.tcp(at - micro, ends, [101, 501], 0x10, b"");
        self.tcp(at, ends, [101, 501], 0x18, request);
        let Some((after, response)) = answer else { return };
        let answered = 501 + u32::try_from(response.len()).unwrap();
        self.tcp(at + after, back, [501, asked], 0x18, response);
        self.tcp(at + after + micro, ends, [asked, answered], 0x11, b"");
        self.tcp(at + after + 2 * micro, back, [answered, asked + 1], 0x11, b"");
        self.tcp(at + after + 3 * micro, ends, [asked + 1, answered + 1], 0x10, b"");
    }

    fn http(
        &mut self,
        at: i64,
        ends: [u8; 2],
        path: &str,
        (status, header, body): (u16, &str, &str),
        after_ms: i64,
    ) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n");
        let response = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{header}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.asks(at, ends, 80, request.as_bytes(), Some((after_ms * 1_000_000, response.as_bytes())));
    }

    fn dns(&mut self, at: i64, name: &str, code: u8) {
        self.ports = self.ports % 50_000 + 1;
        let ends = [(1, 10_000 + self.ports), (53, 53)];
        let mut question: Vec<u8> = Vec::new();
        name.split('.').for_each(|label| {
            question.push(u8::try_from(label.len()).unwrap());
            question.extend(label.as_bytes());
        });
        question.extend([0, 0, 1, 0, 1]);
        for (ends, flags, after) in [(ends, [1, 0], 0), ([ends[1], ends[0]], [0x81, 0x80 | code], 1_000_000)]
        {
            let mut above = Vec::new();
            ends.iter().for_each(|(_, port)| above.extend(port.to_be_bytes()));
            above.extend(u16::try_from(8 + 12 + question.len()).unwrap().to_be_bytes());
            above.extend([0, 0, 7, 7]);
            above.extend(flags);
            above.extend([0, 1, 0, 0, 0, 0, 0, 0]);
            above.extend(&question);
            self.packet(at + after, 17, ends, &above);
        }
    }

    fn tls(&mut self, at: i64, name: &str) {
        let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap().to_be_bytes();
        let with_length = |bytes: &[u8]| [&length(bytes)[..], bytes].concat();
        let names = with_length(&[&[0][..], &with_length(name.as_bytes())].concat());
        let extensions = with_length(&[&[0, 0][..], &with_length(&names)].concat());
        let hello = [&[3, 3][..], &[9; 32], &[0, 0, 2, 0x13, 1, 1, 0], &extensions].concat();
        let handshake = [&[1, 0][..], &with_length(&hello)].concat();
        let record = [&[22, 3, 1][..], &with_length(&handshake)].concat();
        self.asks(at, [1, 2], 443, &record, None);
    }

    fn recorded(self) -> TempDir {
        let dir = recording::data_dir();
        let mut recorder = Recorder::new(dir.path(), "made");
        let mut reader = segment::capture_file::CaptureReader::new(
            std::fs::File::open(recording::capture("http-nginx.pcapng")).unwrap(),
        )
        .unwrap();
        while let Some(record) = reader.next().unwrap() {
            if let segment::Record::Interface(_, mut interface) = record {
                interface.link_type = LinkType(1);
                recorder.writer().add_interface(&interface).unwrap();
                break;
            }
        }
        for ((at, _), data) in &self.packets {
            let packet = Packet {
                timestamp: Timestamp::from_nanos(*at),
                interface: InterfaceId(0),
                link_type: LinkType(1),
                original_length_bytes: u32::try_from(data.len()).unwrap(),
                data,
                comment: None,
            };
            recorder.writer().append(&packet).unwrap();
        }
        recorder.seal();
        indexer::reindex(dir.path(), segment::TimeRange::ALL, &mut |_, _| ()).unwrap();
        dir
    }
}

/// `count` instants, evenly spaced over a stretch.
fn instants(from: i64, count: i64) -> impl Iterator<Item = (i64, i64)> {
    (0..count).map(move |at| (at, from + SECOND + at * (LENGTH - 10 * SECOND) / count))
}

fn made() -> TempDir {
    let mut wire = Wire::default();
    let (before, after) = (START, START + LENGTH);
    let old_body = r#"{"items":[{"name":"x"}]}"#;
    let new_body = r#"{"items":[{"name":"x","price":3}]}"#;
    for start in [before, after] {
        for (at, instant) in instants(start, 200) {
            wire.http(instant, [1, 2], "/steady", (200, "", "{}"), 10 + at % 7);
        }
        instants(start, 20).for_each(|(_, instant)| wire.dns(instant, "fine.example", 0));
        instants(start, 5).for_each(|(_, instant)| wire.tls(instant, "known.example"));
    }
    for (at, instant) in instants(before, 200) {
        let status = if at % 50 == 0 { 500 } else { 200 };
        wire.http(instant, [1, 2], &format!("/carts/{at}"), (status, "", old_body), 10 + at % 7);
    }
    for (at, instant) in instants(after, 200) {
        let status = if at % 4 == 0 { 500 } else { 200 };
        wire.http(instant, [1, 2], &format!("/carts/{at}"), (status, "X-New: 1\r\n", new_body), 40 + at % 7);
    }
    for (at, instant) in instants(before, 60).chain(instants(after, 240)) {
        // One in five becomes slow, in the middle nothing changes.
        let slow = if instant > after && at % 5 == 0 { 300 } else { 0 };
        wire.http(instant, [1, 2], "/busy", (200, "", "{}"), 10 + at % 7 + slow);
    }
    instants(before, 40).for_each(|(_, instant)| wire.http(instant, [1, 2], "/old", (200, "", "{}"), 5));
    instants(after, 40).for_each(|(_, instant)| wire.http(instant, [1, 2], "/new", (200, "", "{}"), 5));
    instants(after, 40).for_each(|(_, instant)| wire.http(instant, [9, 2], "/steady", (200, "", "{}"), 13));
    instants(after, 2).for_each(|(_, instant)| wire.dns(instant, "gone.example", 3));
    instants(after, 1).for_each(|(_, instant)| wire.tls(instant, "evil.example"));
    wire.recorded()
}

fn stretch(from: i64, to: i64) -> Scope {
    let range = TimeRange::new(Timestamp::from_nanos(from), Timestamp::from_nanos(to)).unwrap();
    Scope { range, ..Scope::default() }
}

fn diff(data: &Data, text: &str, before: Scope, after: Scope) -> Diff {
    let options =
        DiffOptions { before, after, count_min: 10, false_rate_max: 0.01, bodies_max: 200, now_ms: 0 };
    data.diff(&kfl::parse(text, 0).unwrap(), &options).unwrap()
}

fn told(change: &Change) -> String {
    let subject = match &change.subject {
        Subject::Endpoint(endpoint) => endpoint.template.clone(),
        Subject::Edge(edge) => format!("{} {} {}", edge.source, edge.destination, edge.protocol),
        Subject::Name(name) => name.clone(),
        Subject::Field(endpoint, field) => format!("{field} of {}", endpoint.template),
    };
    format!("{} {subject}", change.what.name())
}

#[test]
fn what_changed_is_told_and_nothing_else() {
    let dir = made();
    let data = Data::open(dir.path()).unwrap();
    let (middle, end) = (START + LENGTH, START + 2 * LENGTH);
    let found = diff(&data, "http or dns or tlsx", stretch(START, middle), stretch(middle, end));
    let mut told: Vec<String> = found.changes.iter().map(told).collect();
    told.sort();
    let expected = [
        "DNS name fails gone.example",
        "error rate /carts/{id}",
        "gone endpoint /old",
        "latency p50 /carts/{id}",
        "latency p95 /busy",
        "new TLS name evil.example",
        "new edge 10.0.0.9 10.0.0.2 HTTP",
        "new endpoint /new",
        "new field items[].price of /carts/{id}",
        "new header x-new of /carts/{id}",
        "rate /busy",
    ];
    assert_eq!(told, expected);
    assert!(found.changes.is_sorted_by(|a, b| a.score >= b.score));
    assert!(
        found.changes.iter().all(|change| change.test.is_none_or(|test| test.p <= test.q && test.q <= 0.01))
    );
    assert!(found.notes.is_empty() && found.tests > found.changes.len(), "{:?}", found.notes);
    let errors = found.changes.iter().find(|change| change.what == What::ErrorRate).unwrap();
    assert_eq!((errors.before, errors.after), (0.02, 0.25));
    assert_eq!((errors.count_before, errors.count_after), (200, 200));
    let slower = found.changes.iter().find(|change| change.what == What::Latency).unwrap();
    assert!(slower.effect > 0.99 && slower.before < 18e3 && slower.after > 39e3, "{slower:?}");
    let sampled = found.after.sampled;
    assert!(sampled.bodies > 0 && sampled.bodies <= 200 && sampled.exchanges > 100, "{sampled:?}");
    assert!(sampled.exchanges < sampled.of);
}

#[test]
fn a_stretch_differs_from_itself_in_nothing() {
    let made = made();
    let recorded = recording::indexed();
    for dir in [&made, &recorded] {
        let data = Data::open(dir.path()).unwrap();
        for text in ["", "http and response.status >= 400", "redact(\"request.path\")"] {
            let found = diff(&data, text, Scope::default(), Scope::default());
            assert_eq!(found.changes, [], "{text}");
            assert!(found.before.coverage.entries > 0);
        }
    }
}

#[test]
fn an_empty_stretch_is_said_to_be_empty() {
    let dir = made();
    let data = Data::open(dir.path()).unwrap();
    let found = diff(&data, "http", stretch(0, SECOND), stretch(START, START + LENGTH));
    assert_eq!(found.before.coverage.entries, 0);
    assert!(found.notes.iter().any(|note| note.contains("nothing was recorded")), "{:?}", found.notes);
}

//! Other people's programs read what we write.

use std::io::{Read, Seek, SeekFrom, Write};
use std::process::{Command, Stdio};

use segment::{
    ClockState, InterfaceId, InterfaceStatistics, LinkType, Loss, LossCause, NameRecord, Names, Packet,
    PcapngWriter, Reading, Record, SegmentReader, TimeRange, Timestamp,
};

use crate::support::{Room, datagram, ethernet, options, packet};

/// Whether a program is there; says so when it isn't.
fn has(program: &str) -> bool {
    let there =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        eprintln!("SKIPPED: no {program} on this machine");
    }
    there
}

/// Records of every kind.
fn records() -> Vec<Record<'static>> {
    let at = Timestamp::from_nanos(1_700_000_000_000_000_000);
    let second = TimeRange::covering(at, at.plus_nanos(1_000_000_000));
    let loss = |cause| Loss {
        range: second,
        interface: Some("eth0".to_owned()),
        cause,
        packets: Some(3),
        bytes: None,
        note: "a \"note\" — with marks".to_owned(),
    };
    let mut statistics = InterfaceStatistics::new(InterfaceId(0), at);
    statistics.received = Some(10);
    statistics.dropped_by_system = Some(1);
    let names = Names {
        records: vec![
            NameRecord {
                address: "10.0.0.1".parse().unwrap(),
                names: vec!["shop".to_owned(), "shop.svc".to_owned()],
            },
            NameRecord { address: "fd00::1".parse().unwrap(), names: vec!["six".to_owned()] },
        ],
    };
    let clock = ClockState {
        timestamp: at,
        synchronised: true,
        offset_nanos: Some(-12),
        error_nanos_max: None,
        source: "adjtimex".to_owned(),
    };
    let mut records: Vec<Record<'static>> =
        LossCause::ALL.into_iter().map(|cause| Record::Loss(loss(cause))).collect();
    records.extend([
        Record::Names(names),
        Record::InterfaceStatistics(statistics),
        Record::ClockState(clock),
        Record::Secrets(b"CLIENT_RANDOM 00 00\n"),
        Record::Custom { name: "kubernetes", json: "{\"pod\":\"shop-1\"}" },
    ]);
    records
}

/// A segment of many frames with records of every kind; some interfaces come late, one is of an unknown link type.
fn segment(room: &Room) -> u64 {
    let mut writer = room.writer(segment::WriterOptions { frame_bytes_max: 4096, ..options() });
    writer.add_interface(&ethernet("eth0")).unwrap();
    for record in records() {
        writer.append_record(&record).unwrap();
    }
    let mut packets = 0;
    for at in 0..200i64 {
        let data = datagram(1000, &vec![b'x'; usize::try_from(at).unwrap()]);
        let comment = (at % 7 == 0).then_some("pid 1 (shop)");
        let plain = packet(1_700_000_000_000_000_000 + at, &data);
        writer.append(&Packet { comment, ..plain }).unwrap();
        packets += 1;
        if at == 50 || at == 120 {
            let mut late = ethernet("late");
            late.filter = "tcp port 80".to_owned();
            late.description = "came later".to_owned();
            late.link_type = if at == 50 { LinkType::RAW } else { LinkType(65_000) };
            let interface = writer.add_interface(&late).unwrap();
            writer.append(&Packet { interface, link_type: late.link_type, ..plain }).unwrap();
            packets += 1;
        }
    }
    room.seal(writer);
    packets
}

#[test]
fn zstd_and_tshark_read_a_segment_without_complaint() {
    if !has("zstd") || !has("tshark") {
        return;
    }
    let room = Room::new();
    let packets = segment(&room);
    let unpacked = Command::new("zstd").arg("-dc").arg(room.sealed_path()).output().unwrap();
    assert!(
        unpacked.status.success() && unpacked.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&unpacked.stderr)
    );
    let plain = room.root.path().join("plain.pcapng");
    std::fs::write(&plain, &unpacked.stdout).unwrap();
    let read = Command::new("tshark")
        .args([
            "-n",
            "-r",
            plain.to_str().unwrap(),
            "-T",
            "fields",
            "-e",
            "frame.time_epoch",
            "-e",
            "frame.len",
        ])
        .args(["-e", "frame.interface_name"])
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&read.stderr)
        .replace("Running as user \"root\" and group \"root\". This could be dangerous.\n", "");
    assert!(read.status.success() && complaint.is_empty(), "{complaint}");
    let text = String::from_utf8(read.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(u64::try_from(lines.len()).unwrap(), packets);
    assert_eq!(lines[199], "1700000000.000000197\t239\teth0");
    assert_eq!(lines[51], "1700000000.000000050\t92\tlate");
    let listed = Command::new("zstd").args(["-l", "-v"]).arg(room.sealed_path()).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
}

#[test]
fn zeekstd_seeks_in_a_segment() {
    let room = Room::new();
    segment(&room);
    let mut reader = SegmentReader::open(&room.sealed_path(), Reading::Strict).unwrap();
    let mut plain = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        plain.extend_from_slice(frame.raw());
    }
    let file = std::fs::File::open(room.sealed_path()).unwrap();
    let mut decoder = zeekstd::Decoder::new(file).unwrap();
    let mut all = Vec::new();
    decoder.read_to_end(&mut all).unwrap();
    assert_eq!(all, plain);
    for offset in [0, 1, 5000, plain.len() / 2, plain.len() - 7] {
        decoder.seek(SeekFrom::Start(u64::try_from(offset).unwrap())).unwrap();
        let mut part = vec![0; 7];
        decoder.read_exact(&mut part).unwrap();
        assert_eq!(part, plain[offset..offset + 7], "at {offset}");
    }
}

#[test]
fn tshark_reads_a_plain_export_without_complaint() {
    if !has("tshark") {
        return;
    }
    let mut writer = PcapngWriter::new(Vec::new(), "remora test").unwrap();
    writer.add_interface(&ethernet("eth0")).unwrap();
    for record in records() {
        writer.record(&record).unwrap();
    }
    writer.packet(&packet(5, &datagram(9, b"export"))).unwrap();
    let bytes = writer.finish().unwrap();
    let mut tshark = Command::new("tshark")
        .args(["-n", "-r", "-", "-T", "fields", "-e", "frame.time_epoch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    tshark.stdin.take().unwrap().write_all(&bytes).unwrap();
    let read = tshark.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&read.stdout), "0.000000005\n");
    let complaint = String::from_utf8_lossy(&read.stderr);
    assert!(complaint.lines().all(|line| line.starts_with("Running as user")), "{complaint}");
}

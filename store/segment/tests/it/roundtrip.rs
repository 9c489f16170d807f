//! What is written is read.

use segment::{InterfaceId, Manifest, PACKET_BYTES_MAX, Packet, Reading, Record, SegmentReader};

use crate::support::{Room, datagram, ethernet, options, packet, payloads};

#[test]
fn a_sealed_segment_is_read_as_written() {
    let room = Room::new();
    let mut writer = room.writer(options());
    writer.add_interface(&ethernet("eth0")).unwrap();
    let datagrams: Vec<_> = (0..20).map(|n| datagram(1000 + n, b"hello")).collect();
    for (at, data) in (0i64..).zip(&datagrams) {
        writer.append(&packet(at, data)).unwrap();
        if at == 9 {
            writer.end_frame().unwrap();
            writer.add_interface(&ethernet("eth1")).unwrap();
        }
    }
    let manifest = room.seal(writer);
    assert_eq!((manifest.packets, manifest.frames), (20, 4));
    let mut reader = SegmentReader::open(&room.sealed_path(), Reading::Strict).unwrap();
    assert!(reader.is_sealed());
    assert_eq!(payloads(&mut reader), datagrams);
    let footer = reader.footer().unwrap();
    assert_eq!((footer.flows.len(), footer.packets()), (20, 20));
    assert_eq!(footer.flows[0].frames[0].first, 1);
    let last = reader.frame(3).unwrap();
    let (at, found) = last.packets().last().unwrap();
    assert_eq!((at.sequence, at.frame, at.index, found.data), (3, 3, 9, &*datagrams[19]));
    let header: Vec<_> = reader.frame(2).unwrap().records().map(|r| format!("{:?}", r.unwrap().1)).collect();
    assert!(header[0].starts_with("Interface(InterfaceId(1)"), "{header:?}");
    assert_eq!(Manifest::read(&room.sealed().join(manifest.id.manifest_name())).unwrap(), manifest);
}

#[test]
fn an_open_segment_is_followed_into_its_seal() {
    let room = Room::new();
    let mut writer = room.writer(options());
    std::fs::write(room.open_path(), b"").unwrap();
    let mut reader = SegmentReader::open(&room.open_path(), Reading::Strict).unwrap();
    assert!(reader.next_frame().unwrap().is_none());
    writer.add_interface(&ethernet("eth0")).unwrap();
    let mut frames = 0;
    for at in 0..5 {
        writer.append(&packet(at, b"data")).unwrap();
        writer.sync().unwrap();
        while let Some(frame) = reader.next_frame().unwrap() {
            let packets =
                frame.records().filter(|record| matches!(record, Ok((_, Record::Packet(_))))).count();
            assert_eq!(packets, usize::from(frame.number() > 0));
            frames += 1;
        }
    }
    assert_eq!(frames, 6);
    assert!(!reader.is_sealed());
    writer.append(&packet(9, b"last")).unwrap();
    room.seal(writer);
    assert_eq!(payloads(&mut reader), [b"last"]);
    assert!(reader.is_sealed() && reader.losses().is_empty());
    assert_eq!(reader.frame(1).unwrap().packets().count(), 1);
}

#[test]
fn a_file_that_grows_byte_by_byte_is_followed_without_a_loss() {
    let room = Room::new();
    let mut writer = room.writer(options());
    writer.add_interface(&ethernet("eth0")).unwrap();
    for at in 0..6 {
        writer.append(&packet(at, &datagram(9, b"followed"))).unwrap();
        writer.end_frame().unwrap();
    }
    room.seal(writer);
    let bytes = std::fs::read(room.sealed_path()).unwrap();
    for reading in [Reading::Strict, Reading::Forgiving] {
        let mut file = std::fs::File::create(room.open_path()).unwrap();
        let mut reader = SegmentReader::open(&room.open_path(), reading).unwrap();
        let mut numbers = Vec::new();
        for byte in bytes.chunks(1) {
            std::io::Write::write_all(&mut file, byte).unwrap();
            while let Some(frame) = reader.next_frame().unwrap() {
                numbers.push(frame.number());
            }
        }
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6]);
        assert!(reader.is_sealed() && reader.losses().is_empty());
    }
}

#[test]
fn a_large_packet_makes_a_larger_frame_and_a_larger_one_is_refused() {
    let room = Room::new();
    let mut writer = room.writer(options());
    writer.add_interface(&ethernet("eth0")).unwrap();
    let sizes = [100, 300_000, PACKET_BYTES_MAX, 100];
    let packets: Vec<Vec<u8>> = sizes.iter().map(|size| vec![7; *size]).collect();
    for data in &packets {
        writer.append(&packet(1, data)).unwrap();
    }
    assert!(writer.append(&packet(1, &vec![7; PACKET_BYTES_MAX + 1])).is_err());
    let unknown = Packet { interface: InterfaceId(1), ..packet(1, b"x") };
    assert!(writer.append(&unknown).is_err());
    let manifest = room.seal(writer);
    assert_eq!((manifest.packets, manifest.frames), (4, 5));
    let mut reader = SegmentReader::open(&room.sealed_path(), Reading::Strict).unwrap();
    assert!(payloads(&mut reader) == packets);
}

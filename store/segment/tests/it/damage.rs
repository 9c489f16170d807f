//! What was changed is found, what was cut is reported, and the rest is read.

use std::fs;

use segment::{
    Loss, LossCause, Manifest, Reading, Record, SegmentReader, TimeRange, Timestamp, derive_manifest, repair,
    verify,
};

use crate::support::{Room, datagram, each_record, ethernet, id, key, options, packet, payloads};

/// A sealed segment of four frames with packets, two packets each.
fn sealed(room: &Room) -> Manifest {
    let mut writer = room.writer(options());
    writer.add_interface(&ethernet("eth0")).unwrap();
    for frame in 0i64..4 {
        for index in 0..2 {
            let data = datagram(u16::try_from(1000 + frame).unwrap(), format!("{frame}.{index}").as_bytes());
            writer.append(&packet(frame * 100 + index, &data)).unwrap();
        }
        writer.end_frame().unwrap();
    }
    room.seal(writer)
}

#[test]
fn every_flipped_bit_of_a_sealed_segment_is_found() {
    let room = Room::new();
    let manifest = sealed(&room);
    let manifest_path = room.sealed().join(manifest.id.manifest_name());
    let path = room.sealed_path();
    assert_eq!(verify(&path).unwrap().problems, []);
    assert!(verify(&path).unwrap().has_manifest);
    // Without the manifest, so that nothing is found by the SHA-256 alone.
    fs::remove_file(manifest_path).unwrap();
    let sound = fs::read(&path).unwrap();
    for bit in 0..sound.len() * 8 {
        let mut bytes = sound.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bytes).unwrap();
        let found = verify(&path);
        assert!(
            found.as_ref().is_ok_and(|found| !found.is_sound()) || found.is_err(),
            "bit {bit} of byte {}",
            bit / 8
        );
    }
    println!("{} bits flipped, all found without the manifest", sound.len() * 8);
}

#[test]
fn what_is_appended_or_cut_off_is_found() {
    let room = Room::new();
    sealed(&room);
    let path = room.sealed_path();
    let sound = fs::read(&path).unwrap();
    for bytes in
        [[&sound[..], &[0]].concat(), [&sound[..], &sound[..]].concat(), sound[..sound.len() - 1].to_vec()]
    {
        fs::write(&path, bytes).unwrap();
        assert!(!verify(&path).unwrap().is_sound());
    }
}

#[test]
fn a_changed_manifest_is_found_and_a_lost_one_is_derived_again() {
    let room = Room::new();
    let manifest = sealed(&room);
    let path = room.sealed().join(manifest.id.manifest_name());
    for (from, to) in [("\"packets\": 8", "\"packets\": 9"), ("\"node\": \"node-1\"", "\"node\": \"node-2\"")]
    {
        manifest.write(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replace(from, to)).unwrap();
        let found = verify(&room.sealed_path()).unwrap();
        assert!(found.problems[0].what.starts_with("manifest: "), "{found:?}");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(derive_manifest(&room.sealed_path()).unwrap(), manifest);
}

#[test]
fn truncation_anywhere_keeps_every_whole_frame_and_reports_the_rest() {
    let room = Room::new();
    let manifest = sealed(&room);
    let sound = fs::read(room.sealed_path()).unwrap();
    let footer = SegmentReader::open(&room.sealed_path(), Reading::Strict).unwrap().footer().unwrap().clone();
    let ends: Vec<u64> =
        footer.frames.iter().map(|frame| frame.offset + u64::from(frame.packed_bytes)).collect();
    assert_eq!(ends.len(), 5);
    for cut in 0..=sound.len() {
        let room = Room::new();
        fs::write(room.open_path(), &sound[..cut]).unwrap();
        let repaired =
            repair(&room.open_path(), &room.sealed(), &key()).unwrap_or_else(|e| panic!("cut {cut}: {e}"));
        let at = u64::try_from(cut).unwrap();
        let whole = ends.iter().filter(|end| **end <= at).count();
        let packets = whole.saturating_sub(1) * 2;
        assert_eq!(repaired.manifest.packets, u64::try_from(packets).unwrap(), "cut {cut}");
        assert_eq!(repaired.was_sealed, cut == sound.len());
        let kept = ends.iter().copied().filter(|end| *end <= at).max().unwrap_or(0);
        assert!(repaired.was_sealed || repaired.cut_bytes == at - kept, "cut {cut}");
        // Once four bytes of the footer are there, every packet had been written.
        let nothing_lost = at >= ends[4] + 4;
        let restart = repaired.manifest.losses.iter().filter(|loss| loss.cause == LossCause::Restart).count();
        assert_eq!(restart, usize::from(!nothing_lost), "cut {cut}");
        assert!(!room.open_path().exists());
        let found = verify(&room.sealed_path()).unwrap();
        assert!(found.is_sound() && found.has_manifest, "cut {cut}: {found:?}");
        let mut reader = SegmentReader::open(&room.sealed_path(), Reading::Strict).unwrap();
        assert_eq!(reader.id(), &id());
        assert_eq!(payloads(&mut reader).len(), packets);
        assert_eq!(repaired.manifest.previous, manifest.previous);
    }
    println!("{} truncations repaired", sound.len() + 1);
}

#[test]
fn a_segment_of_which_nothing_is_left_still_links_to_the_one_before() {
    let room = Room::new();
    let before = segment::SegmentId { sequence: 2, ..id() };
    let mut writer = segment::SegmentWriter::create(&room.open(), before, options()).unwrap();
    writer.add_interface(&ethernet("eth0")).unwrap();
    let before = room.seal(writer);
    fs::write(room.open_path(), b"").unwrap();
    let repaired = repair(&room.open_path(), &room.sealed(), &key()).unwrap();
    assert_eq!(repaired.manifest.previous, Some(before.blake3_root));
    assert_eq!(repaired.manifest.node, "node-1");
    assert!(verify(&room.sealed_path()).unwrap().is_sound());
}

/// The segment with the byte in the middle of `frame` changed.
fn damage_frame(room: &Room, frame: usize) -> Vec<u8> {
    let reader = SegmentReader::open(&room.sealed_path(), Reading::Strict).unwrap();
    let entry = reader.footer().unwrap().frames[frame].clone();
    let mut bytes = fs::read(room.sealed_path()).unwrap();
    bytes[usize::try_from(entry.offset + u64::from(entry.packed_bytes) / 2).unwrap()] ^= 0x55;
    bytes
}

#[test]
fn forgiving_reading_skips_a_damaged_frame_and_says_when_it_was() {
    let room = Room::new();
    sealed(&room);
    for frame in 1..5 {
        let sound = fs::read(room.sealed_path()).unwrap();
        fs::write(room.sealed_path(), damage_frame(&room, frame)).unwrap();
        let mut reader = SegmentReader::open(&room.sealed_path(), Reading::Forgiving).unwrap();
        assert_eq!(payloads(&mut reader).len(), 6);
        let [loss] = reader.losses() else { panic!("{:?}", reader.losses()) };
        let start = Timestamp::from_nanos(i64::try_from(frame - 1).unwrap() * 100);
        assert_eq!((loss.cause, loss.packets), (LossCause::Damaged, Some(2)));
        assert_eq!(loss.range, TimeRange::covering(start, start.plus_nanos(1)));
        let mut strict = SegmentReader::open(&room.sealed_path(), Reading::Strict).unwrap();
        let until = (0..5).take_while(|_| strict.next_frame().is_ok()).count();
        assert_eq!(until, frame);
        assert!(strict.next_frame().is_err());
        fs::write(room.sealed_path(), sound).unwrap();
    }
}

#[test]
fn a_damaged_header_frame_of_a_sealed_segment_costs_nothing() {
    let room = Room::new();
    sealed(&room);
    fs::write(room.sealed_path(), damage_frame(&room, 0)).unwrap();
    let mut reader = SegmentReader::open(&room.sealed_path(), Reading::Forgiving).unwrap();
    assert_eq!(payloads(&mut reader).len(), 8);
}

#[test]
fn an_open_segment_with_damage_in_the_middle_is_read_and_repaired_around_it() {
    let room = Room::new();
    sealed(&room);
    let footer = SegmentReader::open(&room.sealed_path(), Reading::Strict).unwrap().footer().unwrap().clone();
    let end = usize::try_from(footer.frames[4].offset).unwrap() + footer.frames[4].packed_bytes as usize;
    for frame in 1..4 {
        let start = usize::try_from(footer.frames[frame].offset).unwrap();
        for at in start..start + footer.frames[frame].packed_bytes as usize {
            let room_two = Room::new();
            let mut bytes = fs::read(room.sealed_path()).unwrap()[..end].to_vec();
            bytes[at] ^= 0x10;
            fs::write(room_two.open_path(), &bytes).unwrap();
            let mut reader = SegmentReader::open(&room_two.open_path(), Reading::Forgiving).unwrap();
            let found = payloads(&mut reader).len();
            assert!(found >= 6 && (found == 6) == (reader.losses().len() == 1), "byte {at}: {found}");
            let repaired = repair(&room_two.open_path(), &room_two.sealed(), &key()).unwrap();
            assert_eq!(repaired.manifest.packets, u64::try_from(found).unwrap());
            assert!(verify(&room_two.sealed_path()).unwrap().is_sound());
            let mut reader = SegmentReader::open(&room_two.sealed_path(), Reading::Strict).unwrap();
            let mut damaged = Vec::new();
            each_record(&mut reader, |record| {
                if let Record::Loss(Loss { cause: LossCause::Damaged, range, .. }) = record {
                    damaged.push(range);
                }
            });
            assert_eq!(damaged.len(), usize::from(found == 6), "byte {at}");
        }
    }
}

#[test]
fn a_sealed_segment_is_never_overwritten() {
    let room = Room::new();
    sealed(&room);
    let sound = fs::read(room.sealed_path()).unwrap();
    let mut writer = room.writer(options());
    writer.add_interface(&ethernet("eth0")).unwrap();
    assert!(writer.seal(&room.sealed(), &key()).is_err());
    assert_eq!(fs::read(room.sealed_path()).unwrap(), sound);
}

#[test]
fn an_open_segment_with_a_damaged_header_frame_is_left_as_it_is() {
    let room = Room::new();
    sealed(&room);
    let footer = SegmentReader::open(&room.sealed_path(), Reading::Strict).unwrap().footer().unwrap().clone();
    let sound = fs::read(room.sealed_path()).unwrap();
    let end = usize::try_from(footer.frames[4].offset).unwrap() + footer.frames[4].packed_bytes as usize;
    for at in 0..footer.frames[0].packed_bytes as usize {
        let room = Room::new();
        let mut bytes = sound[..end].to_vec();
        bytes[at] ^= 0x10;
        fs::write(room.open_path(), &bytes).unwrap();
        match repair(&room.open_path(), &room.sealed(), &key()) {
            Err(_) => assert_eq!(fs::read(room.open_path()).unwrap(), bytes),
            // Some bits of zstd's own headers change nothing.
            Ok(repaired) => assert_eq!(repaired.manifest.packets, 8, "byte {at}"),
        }
    }
}

#[test]
fn interfaces_keep_their_numbers_behind_a_damaged_header_frame() {
    let room = Room::new();
    let mut writer = room.writer(options());
    for name in ["eth0", "eth1", "eth2"] {
        let interface = writer.add_interface(&ethernet(name)).unwrap();
        let data = datagram(1, name.as_bytes());
        writer.append(&segment::Packet { interface, ..packet(0, &data) }).unwrap();
        writer.sync().unwrap();
    }
    let mut bytes = fs::read(room.open_path()).unwrap();
    // The second header frame is the third zstd frame.
    let magic = [0x28, 0xB5, 0x2F, 0xFD];
    let frames: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(&magic)).collect();
    assert_eq!(frames.len(), 6);
    bytes[frames[2] + 20] ^= 1;
    fs::write(room.open_path(), &bytes).unwrap();
    drop(writer);
    let names = |path: &std::path::Path, reading| {
        let mut reader = SegmentReader::open(path, reading).unwrap();
        let mut found = Vec::new();
        while let Some(frame) = reader.next_frame().unwrap() {
            for (_, packet) in frame.packets() {
                found.push(frame.interfaces()[packet.interface.0 as usize].name.clone());
            }
        }
        found
    };
    assert_eq!(names(&room.open_path(), Reading::Forgiving), ["eth0", "", "eth2"]);
    repair(&room.open_path(), &room.sealed(), &key()).unwrap();
    assert_eq!(names(&room.sealed_path(), Reading::Strict), ["eth0", "", "eth2"]);
    assert_eq!(verify(&room.sealed_path()).unwrap().problems, []);
}

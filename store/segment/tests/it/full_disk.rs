//! A full disk costs what comes while it is full, and nothing else.

use std::process::Command;

use segment::{ErrorKind, Reading, SegmentReader, verify};

use crate::support::{Room, datagram, ethernet, options, packet, payloads};

const CHILD: &str = "REMORA_TEST_FULL_DISK";

/// Runs itself again under a file size limit, which stands for a full disk and can be lifted by `prlimit`.
#[test]
fn a_full_disk_costs_only_what_comes_while_it_is_full() {
    if std::env::var_os(CHILD).is_some() {
        return write_into_a_full_disk();
    }
    if Command::new("prlimit").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no prlimit on this machine");
        return;
    }
    let script = "trap '' XFSZ; ulimit -S -f 200; exec \"$0\" --exact full_disk::a_full_disk_costs_only_what_comes_while_it_is_full --nocapture";
    let test = std::env::current_exe().unwrap();
    let status = Command::new("sh").args(["-c", script]).arg(test).env(CHILD, "1").status().unwrap();
    assert!(status.success());
}

fn write_into_a_full_disk() {
    let room = Room::new();
    let mut writer = room.writer(segment::WriterOptions { frame_bytes_max: 8192, ..options() });
    writer.add_interface(&ethernet("eth0")).unwrap();
    let mut seed = 1u32;
    let mut noise = || -> Vec<u8> {
        let byte = |_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed.to_be_bytes()[0]
        };
        (0..900).map(byte).collect()
    };
    let (mut taken, mut refused) = (Vec::new(), 0);
    while refused < 20 {
        let data = datagram(7, &noise());
        match writer.append(&packet(1, &data)) {
            Ok(()) => taken.push(data),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Io);
                refused += 1;
            }
        }
    }
    let kept = std::fs::metadata(room.open_path()).unwrap().len();
    assert_eq!(kept, writer.written_bytes());
    let process = std::process::id().to_string();
    let lifted = Command::new("prlimit").args(["--pid", &process, "--fsize=unlimited"]).status().unwrap();
    assert!(lifted.success());
    for _ in 0..20 {
        let data = datagram(7, &noise());
        writer.append(&packet(1, &data)).unwrap();
        taken.push(data);
    }
    room.seal(writer);
    assert!(verify(&room.sealed_path()).unwrap().is_sound());
    let mut reader = SegmentReader::open(&room.sealed_path(), Reading::Strict).unwrap();
    assert!(payloads(&mut reader) == taken);
}

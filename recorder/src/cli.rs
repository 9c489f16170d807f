//! The command line, and the checked configuration made from it once.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use segment::COMPRESSION_LEVEL;

use crate::budget::Budget;

/// Most bytes the kernel hands over of one packet; a larger "packet" can't exist on Linux today.
pub const SNAP_LENGTH_BYTES_MAX: u32 = 262_144;
/// A kernel ring smaller than this drops packets at every hiccup.
const BUFFER_BYTES_MIN: u64 = 2 << 20;
/// libpcap takes the ring's size as a C int.
const BUFFER_BYTES_MAX: u64 = 1 << 30;
/// More interfaces than this are better recorded through `any`.
pub const INTERFACES_MAX: usize = 64;

/// Captures packets into segments, or imports capture files.
///
/// Events are printed as JSON, one a line, on standard output; EVENTS.md lists them.
/// Errors for people go to standard error, one line each.
#[derive(Parser, Debug)]
#[command(name = "remora-recorder", version, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The ways to start a recorder.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Record live traffic until SIGINT or SIGTERM.
    Capture(CaptureArgs),
    /// Record what `capture` started: the process that holds the capture handles.
    #[command(hide = true)]
    CaptureWorker(WorkerArgs),
    /// Turn capture files (pcap, pcapng, also .gz and .zst, '-' for standard input) into segments.
    Import(ImportArgs),
    /// Print the interfaces that can be recorded, one JSON line each.
    ListInterfaces,
}

/// `capture`, as typed.
#[derive(Args, Debug, Clone)]
pub struct CaptureArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR", env = "REMORA_DATA")]
    pub data: PathBuf,
    /// An interface to record; may be given several times. `any` records all of them.
    #[arg(short = 'i', long = "interface", value_name = "IF", required = true)]
    pub interfaces: Vec<String>,
    /// Record only packets that match this BPF expression.
    #[arg(long, value_name = "EXPR")]
    pub bpf: Option<String>,
    /// Keep at most so many bytes of each packet; 0 keeps whole packets.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub snap_length_bytes: u32,
    /// Kernel buffer, shared evenly by all interfaces.
    #[arg(long, value_name = "N", default_value = "64MiB", value_parser = size_bytes)]
    pub buffer_bytes: u64,
    /// Seal a segment when its file is this large.
    #[arg(long, value_name = "N", default_value = "256MiB", value_parser = size_bytes)]
    pub rotate_bytes: u64,
    /// Seal a segment when it is this old.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub rotate_after: Duration,
    /// A packet is on disk at most this long after it passed.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub flush_after: Duration,
    /// Remove the oldest sealed segments when all of them hold more than this.
    #[arg(long, value_name = "N", value_parser = size_bytes)]
    pub budget_bytes: Option<u64>,
    /// Remove sealed segments whose last packet is older than this.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub budget_age: Option<Duration>,
    /// Remove the oldest sealed segments while less of the disk than this is free; 0 never does.
    #[arg(long, value_name = "PERCENT", default_value_t = 5, value_parser = clap::value_parser!(u8).range(0..=99))]
    pub free_percent_min: u8,
    /// zstd level; higher is smaller and costs more CPU time.
    #[arg(long, value_name = "LEVEL", default_value_t = COMPRESSION_LEVEL, allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-7..=19))]
    pub compression_level: i32,
}

/// `capture-worker`, as the supervisor calls it.
#[derive(Args, Debug, Clone)]
pub struct WorkerArgs {
    /// What to record.
    #[command(flatten)]
    pub capture: CaptureArgs,
    /// Nanoseconds of the last moment that the worker before this one was known to write.
    #[arg(long, hide = true, allow_negative_numbers = true)]
    pub lost_since: Option<i64>,
    /// Why there was a worker before this one.
    #[arg(long, hide = true, default_value = "")]
    pub lost_why: String,
}

/// `import`, as typed.
#[derive(Args, Debug, Clone)]
pub struct ImportArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR", env = "REMORA_DATA")]
    pub data: PathBuf,
    /// Import a file although it was imported before; it becomes a recording of its own.
    #[arg(long)]
    pub again: bool,
    /// Print progress events.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub progress: Option<Progress>,
    /// Seal a segment when its file is this large.
    #[arg(long, value_name = "N", default_value = "256MiB", value_parser = size_bytes)]
    pub rotate_bytes: u64,
    /// zstd level.
    #[arg(long, value_name = "LEVEL", default_value_t = COMPRESSION_LEVEL, allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-7..=19))]
    pub compression_level: i32,
    /// The files; '-' is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<OsString>,
}

/// How progress is told.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// JSON lines on standard output.
    Json,
}

/// What `capture` does, checked.
#[derive(Clone, Debug)]
pub struct CaptureConfig {
    /// The data directory.
    pub data: PathBuf,
    /// Interfaces, each once, in the order given.
    pub interfaces: Vec<String>,
    /// BPF text.
    pub filter: Option<String>,
    /// Most bytes kept of a packet.
    pub snap_length_bytes: u32,
    /// Kernel ring of each interface.
    pub buffer_bytes_each: u32,
    /// When a segment is sealed.
    pub rotation: Rotation,
    /// Longest time from a packet's passing to its lying on disk.
    pub flush_after: Duration,
    /// What may stay on disk.
    pub budget: Budget,
    /// zstd level.
    pub compression_level: i32,
}

/// When a segment is sealed.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// At this file size.
    pub bytes: u64,
    /// At this age.
    pub after: Duration,
}

impl CaptureConfig {
    /// Checks `args`; on failure names every problem, in one line.
    pub fn new(args: &CaptureArgs) -> Result<Self, String> {
        let mut problems = Vec::new();
        let mut interfaces: Vec<String> = Vec::new();
        for name in &args.interfaces {
            if !interfaces.contains(name) {
                interfaces.push(name.clone());
            }
        }
        if interfaces.len() > INTERFACES_MAX {
            problems
                .push(format!("-i: {} interfaces, at most {INTERFACES_MAX}; use `any`", interfaces.len()));
        }
        if interfaces.len() > 1 && interfaces.iter().any(|name| name == "any") {
            problems.push("-i any: already includes every other interface; give it alone".to_owned());
        }
        if args.snap_length_bytes > SNAP_LENGTH_BYTES_MAX {
            problems.push(format!("--snap-length-bytes: at most {SNAP_LENGTH_BYTES_MAX}"));
        }
        let each = (args.buffer_bytes / interfaces.len().max(1) as u64).max(BUFFER_BYTES_MIN);
        if each > BUFFER_BYTES_MAX {
            problems.push(format!("--buffer-bytes: at most {BUFFER_BYTES_MAX} an interface"));
        }
        if args.rotate_bytes < 1 << 20 {
            problems.push("--rotate-bytes: at least 1MiB".to_owned());
        }
        if args.rotate_after < Duration::from_secs(1) {
            problems.push("--rotate-after: at least 1s".to_owned());
        }
        if args.flush_after < Duration::from_millis(100) {
            problems.push("--flush-after: at least 100ms".to_owned());
        }
        if !problems.is_empty() {
            return Err(problems.join("; "));
        }
        Ok(Self {
            data: args.data.clone(),
            interfaces,
            filter: args.bpf.clone().filter(|text| !text.trim().is_empty()),
            snap_length_bytes: match args.snap_length_bytes {
                0 => SNAP_LENGTH_BYTES_MAX,
                length => length,
            },
            buffer_bytes_each: u32::try_from(each).unwrap_or(u32::MAX),
            rotation: Rotation { bytes: args.rotate_bytes, after: args.rotate_after },
            flush_after: args.flush_after,
            budget: Budget {
                bytes_max: args.budget_bytes,
                age_max: args.budget_age,
                free_percent_min: args.free_percent_min,
            },
            compression_level: args.compression_level,
        })
    }
}

/// `64MiB`, `1GB`, `4096`.
fn size_bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match &text[digits.len()..] {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" | "K" | "k" => 1 << 10,
        "MiB" | "M" => 1 << 20,
        "GiB" | "G" => 1 << 30,
        "TiB" | "T" => 1 << 40,
        unit => return Err(format!("unknown unit {unit:?}; use KiB, MiB, GiB, TiB or KB, MB, GB, TB")),
    };
    let number: u64 =
        digits.trim().parse().map_err(|_| "expected a whole number and a unit, as in 256MiB")?;
    number.checked_mul(factor).ok_or_else(|| "too large".to_owned())
}

/// `500ms`, `1s`, `5m`, `12h`, `30d`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_ms: u64 = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        unit => return Err(format!("unknown unit {unit:?}; use ms, s, m, h or d")),
    };
    let number: u64 = digits.trim().parse().map_err(|_| "expected a whole number and a unit, as in 5m")?;
    number.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(|| "too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(extra: &[&str]) -> Result<CaptureConfig, String> {
        let line = [&["remora-recorder", "capture", "--data", "d"], extra].concat();
        match Cli::try_parse_from(line).map_err(|e| e.to_string())?.command {
            Command::Capture(args) => CaptureConfig::new(&args),
            _ => unreachable!("the line says capture"),
        }
    }

    #[test]
    fn units_are_understood() {
        assert_eq!(size_bytes("64MiB"), Ok(64 << 20));
        assert_eq!(size_bytes("17"), Ok(17));
        assert!(size_bytes("17 parsecs").is_err());
        assert!(size_bytes("99999999999TiB").is_err());
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert!(duration("5").is_err());
    }

    #[test]
    fn the_kernel_buffer_is_shared_by_the_interfaces() {
        let two = config(&["-i", "a", "-i", "b", "-i", "a"]).unwrap();
        assert_eq!(two.interfaces, ["a", "b"]);
        assert_eq!(two.buffer_bytes_each, 32 << 20);
        assert_eq!(two.snap_length_bytes, SNAP_LENGTH_BYTES_MAX);
    }

    #[test]
    fn all_problems_are_named_together() {
        let problems =
            config(&["-i", "any", "-i", "lo", "--rotate-bytes", "1", "--flush-after", "1ms"]).unwrap_err();
        assert!(
            problems.contains("-i any")
                && problems.contains("--rotate-bytes")
                && problems.contains("--flush-after")
        );
    }
}

//! Reassembly against `FILE.streams.jsonl`.

//! Decoding against `FILE.packets.jsonl`.

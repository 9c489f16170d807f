//! recorder-ebpf.

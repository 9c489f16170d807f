//! Programs that run in the kernel, and the event types both sides share.
//!
//! A placeholder: nothing is here yet. What will be are uprobes on TLS libraries (aya-ebpf), which hand
//! plaintext to the recorder before it is encrypted, and the plain-old-data events they write
//! to the ring buffer, with assertions on their sizes. The room exists from the start so that the
//! rule of who may use whom needs no exception when it fills.
#![no_std]

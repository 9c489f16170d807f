//! Has the dashboard compiled in anew when it was built anew.
//!
//! Cargo looks at a folder only where there is one: so there is one, empty where `web/` was not built.

use std::path::Path;

fn main() {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/dist");
    // A tree that can't be written has what it has.
    let _ = std::fs::create_dir_all(&built);
    println!("cargo:rerun-if-changed={}", built.display());
    println!("cargo:rerun-if-changed=build.rs");
}

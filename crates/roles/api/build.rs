//! Builds the crate again when the web UI was built again: new files get new names, which the compiler does not see.

fn main() {
    let dist = std::path::Path::new("../../../web/dist");
    // A debug build reads the files at its start. A path that does not exist would make every build a new one.
    if dist.exists() {
        println!("cargo:rerun-if-changed={}", dist.display());
    }
    println!("cargo:rerun-if-changed=build.rs");
}

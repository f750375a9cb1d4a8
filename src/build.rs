//! Builds again when a migration or the built UI changes: they are compiled in.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=web/dist");
}

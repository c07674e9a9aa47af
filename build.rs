//! Keeps the `.pgrxsc` section, from which `cargo xtask` renders the SQL of the extension.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-cdylib=-Wl,--no-gc-sections");
}

//! libclang, with which bindgen reads PostgreSQL's headers while the extension is built.

use std::fs;
use std::path::{Path, PathBuf};

/// Whether a libclang with its own headers (`stddef.h` and the like) is installed where bindgen
/// looks. The library alone is not enough: some distributions package the headers apart.
pub fn installed() -> bool {
    if std::env::var_os("LIBCLANG_PATH").is_some() {
        return true;
    }
    let folders = folders();
    folders.iter().any(|folder| has_library(folder))
        && folders.iter().any(|folder| resources(folder).is_some())
}

/// The folder of libclang's own headers, above `include/`, if it lies below this library folder.
pub fn resources(folder: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(folder.join("clang")).ok()?;
    versions
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("include/stddef.h").is_file())
}

fn has_library(folder: &Path) -> bool {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            (name.starts_with("libclang.so") || name.starts_with("libclang-"))
                && name.contains(".so")
                && entry.path().is_file()
        })
}

/// Library folders in which distributions put it.
fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = [
        "/usr/lib",
        "/usr/lib64",
        "/usr/local/lib",
        "/usr/local/lib64",
    ]
    .map(PathBuf::from)
    .into();
    for entry in fs::read_dir("/usr/lib").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("llvm") {
            folders.push(entry.path().join("lib"));
        } else if name.ends_with("-linux-gnu") {
            folders.push(entry.path());
        }
    }
    folders
}

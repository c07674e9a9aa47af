//! A private copy of a PostgreSQL installation into which the extension can be put.
//!
//! PostgreSQL finds its other folders relative to its own program, provided they lie to each other
//! as they were compiled. So a folder with copies of the programs and links to everything else is
//! a full installation, and nothing outside it changes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use crate::error::{Attempt, Result};
use crate::extension::Extension;
use crate::postgres::Server;

/// The folders of a private installation.
#[derive(Clone, Debug)]
pub struct Prefix {
    /// Programs.
    pub bindir: PathBuf,
    /// Data files, above `extension/`.
    pub sharedir: PathBuf,
    /// Loadable modules.
    pub pkglibdir: PathBuf,
}

impl Prefix {
    /// Makes one below `folder`.
    pub fn create(server: &Server, folder: &Path) -> Result<Self> {
        let common = common_ancestor(&[&server.bindir, &server.sharedir, &server.pkglibdir]);
        let inside = |path: &Path| folder.join(path.strip_prefix(&common).unwrap_or(path));
        let prefix = Self {
            bindir: inside(&server.bindir),
            sharedir: inside(&server.sharedir),
            pkglibdir: inside(&server.pkglibdir),
        };
        copy_files(&server.bindir, &prefix.bindir)?;
        link_entries(&server.sharedir, &prefix.sharedir, &["extension"])?;
        link_entries(
            &server.sharedir.join("extension"),
            &prefix.sharedir.join("extension"),
            &[],
        )?;
        link_entries(&server.pkglibdir, &prefix.pkglibdir, &[])?;
        Ok(prefix)
    }

    /// Puts the extension's files in.
    pub fn install(&self, extension: &Extension) -> Result<()> {
        for file in extension.files(&self.sharedir, &self.pkglibdir) {
            write_new(&file.path, &file.contents)?;
        }
        Ok(())
    }
}

/// Writes a file in a way that replaces a link instead of writing through it, and that a server
/// which has the old file open does not notice.
fn write_new(path: &Path, contents: &[u8]) -> Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, contents).attempt(fresh.display())?;
    fs::rename(&fresh, path).attempt(path.display())
}

/// The deepest folder that holds all the paths.
fn common_ancestor(paths: &[&Path]) -> PathBuf {
    let Some((first, rest)) = paths.split_first() else {
        return PathBuf::new();
    };
    let mut common: Vec<Component<'_>> = first.components().collect();
    for path in rest {
        let shared = common
            .iter()
            .zip(path.components())
            .take_while(|(a, b)| **a == *b)
            .count();
        common.truncate(shared);
    }
    common.iter().collect()
}

fn copy_files(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).attempt(to.display())?;
    for entry in fs::read_dir(from).attempt(from.display())? {
        let source = entry.attempt(from.display())?.path();
        if let (true, Some(name)) = (source.is_file(), source.file_name()) {
            fs::copy(&source, to.join(name)).attempt(source.display())?;
        }
    }
    Ok(())
}

fn link_entries(from: &Path, to: &Path, except: &[&str]) -> Result<()> {
    fs::create_dir_all(to).attempt(to.display())?;
    for entry in fs::read_dir(from).attempt(from.display())? {
        let entry = entry.attempt(from.display())?;
        let name = entry.file_name();
        // An installed pglearn must not mix with ours.
        let skip = except.iter().any(|skipped| name == *skipped)
            || name.to_string_lossy().starts_with("pglearn");
        if !skip {
            symlink(entry.path(), to.join(name)).attempt(entry.path().display())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_ancestor_of_debians_folders() {
        let paths = [
            "/usr/lib/postgresql/15/bin",
            "/usr/share/postgresql/15",
            "/usr/lib/postgresql/15/lib",
        ]
        .map(Path::new);
        assert_eq!(common_ancestor(&paths), Path::new("/usr"));
        let paths = [
            "/usr/pgsql-16/bin",
            "/usr/pgsql-16/share",
            "/usr/pgsql-16/lib",
        ]
        .map(Path::new);
        assert_eq!(common_ancestor(&paths), Path::new("/usr/pgsql-16"));
    }
}

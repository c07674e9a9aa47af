//! Where things are: the checkout, cargo's target folder and the folder of our own works.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::error::{Attempt, Error, Result, fail};

/// The folders of one checkout.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The checkout.
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
    /// Everything we make besides cargo's output: PostgreSQL, clusters, logs, packages.
    pub home: PathBuf,
    /// Who runs the servers.
    pub account: Account,
}

impl Workspace {
    /// Finds the folders and makes the home.
    pub fn locate() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest
            .ancestors()
            .nth(2)
            .ok_or_else(|| Error::new("the checkout was not found"))?
            .to_owned();
        // This program is <target>/debug/xtask, whatever decided where <target> is.
        let program = std::env::current_exe().attempt("finding this program")?;
        let target = program
            .ancestors()
            .nth(2)
            .ok_or_else(|| Error::new("the target folder was not found"))?
            .to_owned();
        let account = Account::choose()?;
        let home = choose_home(&target, &account)?;
        Ok(Self {
            root,
            target,
            home,
            account,
        })
    }

    /// The version in Cargo.toml, which all crates share.
    pub fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// The folder of one throwaway installation and cluster.
    pub fn instance(&self, name: &str) -> PathBuf {
        self.home.join("instances").join(name)
    }

    /// The folder of logs that outlive their cluster.
    pub fn logs(&self) -> Result<PathBuf> {
        let logs = self.home.join("logs");
        fs::create_dir_all(&logs).attempt(logs.display())?;
        Ok(logs)
    }
}

/// `<target>/pglearn`, or a folder for temporary files if the servers' account cannot get there
/// (a checkout of root below a closed `/root`).
fn choose_home(target: &Path, account: &Account) -> Result<PathBuf> {
    let home = target.join("pglearn");
    fs::create_dir_all(&home).attempt(home.display())?;
    if account.can_read(&home) {
        return Ok(home);
    }
    let elsewhere = std::env::temp_dir().join(format!("pglearn-{:08x}", fingerprint(target)));
    fs::create_dir_all(&elsewhere).attempt(elsewhere.display())?;
    let owner = fs::symlink_metadata(&elsewhere).attempt(elsewhere.display())?;
    if owner.uid() != 0 || !owner.is_dir() || !account.can_read(&elsewhere) {
        fail!(
            "{} is not a folder that belongs to root and can be read: remove it, or run this as an ordinary user",
            elsewhere.display()
        );
    }
    eprintln!(
        "note: the server's account cannot reach {}, so {} is used",
        home.display(),
        elsewhere.display()
    );
    Ok(elsewhere)
}

/// A short name for a path.
pub fn fingerprint(path: &Path) -> u32 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    (hasher.finish() & 0xffff_ffff) as u32
}

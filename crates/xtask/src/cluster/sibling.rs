//! More clusters beside a running one, on the same installation: an empty one, and a standby.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::{Cluster, socket_folder};
use crate::error::{Attempt, Result, fail};
use crate::place::Place;
use crate::process;

/// How long a standby may take to catch up.
const PATIENCE: Duration = Duration::from_secs(60);

impl Cluster {
    /// A new, empty cluster.
    pub fn empty_sibling(&self, kind: &str) -> Result<Self> {
        self.sibling(kind, &[("synchronous_commit", "off")])
    }

    /// A new cluster with these settings. It loses nothing that was committed when its processes are
    /// killed, only when the machine is.
    pub fn sibling(&self, kind: &str, settings: &[(&str, &str)]) -> Result<Self> {
        let mut cluster = self.beside(kind)?;
        let settings = std::iter::once(&("fsync", "off")).chain(settings);
        let settings: Vec<_> = settings
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        cluster.initialise(&settings)?;
        cluster.launch()?;
        cluster.watcher = Some(cluster.place.watch(&cluster.account)?);
        Ok(cluster)
    }

    /// A physical standby that replays what this one writes.
    pub fn standby(&self, kind: &str) -> Result<Self> {
        let mut standby = self.beside(kind)?;
        standby.make_folders()?;
        // Without an immediate checkpoint the copy would wait for the next one.
        let mut copy = self.as_server("pg_basebackup");
        copy.args([
            "--username=postgres",
            "--port=5432",
            "--checkpoint=fast",
            "--wal-method=stream",
        ])
        .args(["--write-recovery-conf", "--no-sync", "--host"])
        .arg(&self.place.socket)
        .arg("--pgdata")
        .arg(&standby.place.data);
        process::output(&mut copy)?;
        // What stands later in the file wins.
        let socket = standby.place.socket.display().to_string();
        standby.append_settings(&[("unix_socket_directories".to_owned(), socket)])?;
        standby.launch()?;
        standby.watcher = Some(standby.place.watch(&standby.account)?);
        Ok(standby)
    }

    /// Waits until this standby has replayed all that its primary has written so far.
    pub fn catch_up(&self, primary: &Self) -> Result<()> {
        let written = primary.sql("postgres", "SELECT pg_current_wal_insert_lsn()")?;
        let question = format!("SELECT pg_last_wal_replay_lsn() >= '{written}'::pg_lsn");
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if self.sql("postgres", &question)? == "t" {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
        fail!("the standby has not replayed {written} after {PATIENCE:?}");
    }

    /// The paths of another cluster of this program.
    fn beside(&self, kind: &str) -> Result<Self> {
        let name = format!("{kind}-{}", std::process::id());
        let parent = |path: &PathBuf| path.parent().map(PathBuf::from).unwrap_or_default();
        let folder = parent(&self.place.folder).join(&name);
        fs::create_dir_all(&folder).attempt(folder.display())?;
        let place = Place {
            bindir: self.place.bindir.clone(),
            data: folder.join("data"),
            socket: socket_folder(&folder, &name),
            library_path: self.place.library_path.clone(),
            folder,
        };
        place.save()?;
        Ok(Self {
            place,
            account: self.account.clone(),
            log: parent(&self.log).join(format!("{name}.log")),
            log_kept: Cell::new(false),
            watcher: None,
        })
    }
}

//! A disk that is full when a worker wants to write its model.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::trainings::PATIENCE;
use crate::cluster::Cluster;
use crate::error::{Attempt, Result};
use crate::process;
use crate::testing::server::expect;

/// A small file system of its own, gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts it.
    fn mount(folder: &Path, megabytes: u32) -> Result<Self> {
        fs::create_dir_all(folder).attempt(folder.display())?;
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"])
            .arg(folder);
        process::output(&mut mount)?;
        Ok(Self(folder.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server may still hold files of it.
        let _ = process::output(Command::new("umount").arg("-l").arg(&self.0));
    }
}

/// Why the test cannot run here, if it cannot: only root may mount.
pub fn cannot_be_made_small() -> Option<String> {
    let folder = std::env::temp_dir().join(format!("pglearn-mount-{}", std::process::id()));
    let tried = SmallDisk::mount(&folder, 1);
    let reason = tried.as_ref().err().map(|error| {
        let text = error.to_string();
        format!(
            "no file system can be mounted: {}",
            text.lines().last().unwrap_or_default()
        )
    });
    drop(tried);
    let _ = fs::remove_dir(&folder);
    reason
}

/// The job fails for the time being, says why, leaves nothing, and is done when there is room.
pub fn full(common: &Cluster) -> Result<String> {
    let cluster = common.sibling("disk", &[("pglearn.retry_delay", "300ms")])?;
    let folder = cluster.place.folder.join("small");
    let _disk = SmallDisk::mount(&folder, 40)?;
    cluster.give(&folder)?;
    let database = "disk";
    cluster.sql(
        "postgres",
        &format!("CREATE TABLESPACE small LOCATION '{}'", folder.display()),
    )?;
    cluster.sql(
        "postgres",
        "CREATE DATABASE disk TEMPLATE template0 TABLESPACE small",
    )?;
    cluster.sql(
        database,
        "SET client_min_messages = error;
         CREATE SCHEMA ml; CREATE EXTENSION pglearn SCHEMA ml;
         CREATE TABLE size (n int); INSERT INTO size VALUES (100);
         CREATE VIEW d AS SELECT k, cos(k) AS a, cos(k) * 2 AS y FROM generate_series(1, (SELECT n FROM size)) AS k;
         SELECT version FROM ml.train('m', 'd', 'y', algorithm => 'linear_regression', exclude => '{k}', split => '{\"method\": \"random\", \"key\": \"k\"}');
         SELECT ml.promote('m', 1);
         CREATE TABLE reserve (t text); ALTER TABLE reserve ALTER t SET STORAGE PLAIN;
         CREATE TABLE filler (LIKE reserve INCLUDING STORAGE);
         INSERT INTO reserve SELECT repeat('r', 8000) FROM generate_series(1, 64);
         UPDATE size SET n = 400000",
    )?;
    // What is held out of 400,000 rows takes more than half a megabyte, and that is all there will be.
    let mut filling = cluster.session(database)?;
    filling.send("INSERT INTO filler SELECT repeat('f', 8000) FROM generate_series(1, 100000)")?;
    expect("filling the disk", &filling.finish()?.sqlstate, "53100")?;
    filling.run("TRUNCATE reserve")?;
    drop(filling);
    cluster.sql(database, "SELECT FROM ml.retrain('m')")?;
    let waits = "SELECT state IN ('queued', 'running') AND attempts >= 1 AND sqlstate = '53100' FROM ml.jobs";
    cluster.wait_until(PATIENCE, database, waits, "t")?;
    let versions =
        "SELECT count(*), max(last_version) FROM ml.model_versions JOIN ml.models USING (model_id)";
    expect("versions", &cluster.sql(database, versions)?, "1|1")?;
    let ask = "SELECT round(ml.predict('m', 3.0)::numeric, 6)::float8";
    expect("the champion", &cluster.sql(database, ask)?, "6")?;
    cluster.sql(database, "TRUNCATE filler")?;
    let done = "SELECT state, version, attempts > 1, sqlstate IS NULL FROM ml.jobs";
    cluster.wait_until(PATIENCE, database, done, "done|2|t|t")?;
    expect("versions", &cluster.sql(database, versions)?, "2|2")?;
    expect("the champion", &cluster.sql(database, ask)?, "6").map(|()| String::new())
}

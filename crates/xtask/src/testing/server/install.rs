//! The extension as an object of the database: installed, dumped, restored, loaded again.

use std::process::Stdio;

use super::expect;
use crate::cluster::Cluster;
use crate::error::{Attempt, Result, fail};

/// Name, schema and owner of the extension.
const WHERE: &str = "SELECT extname, extnamespace::regnamespace, extowner::regrole, extversion FROM pg_extension WHERE extname = 'pglearn'";

/// Everything the extension consists of, as one text.
const SURFACE: &str = "SELECT md5(string_agg(pg_describe_object(classid, objid, objsubid), ',' ORDER BY pg_describe_object(classid, objid, objsubid) COLLATE \"C\"))
  FROM pg_depend WHERE deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pglearn')";

/// A role without any privilege but the ownership of its database installs the extension: that is
/// what `trusted` in the control file promises.
pub fn by_database_owner(cluster: &Cluster) -> Result<()> {
    cluster.sql(
        "postgres",
        "DROP DATABASE IF EXISTS trusted_install WITH (FORCE)",
    )?;
    cluster.sql("postgres", "DROP ROLE IF EXISTS plain_owner")?;
    cluster.sql("postgres", "CREATE ROLE plain_owner LOGIN")?;
    cluster.sql(
        "postgres",
        "CREATE DATABASE trusted_install OWNER plain_owner TEMPLATE template0",
    )?;
    let mut session = cluster.session("trusted_install")?;
    session.run("SET SESSION AUTHORIZATION plain_owner")?;
    session.run("CREATE SCHEMA ml")?;
    session.run("CREATE EXTENSION pglearn SCHEMA ml")?;
    expect(
        "the extension",
        &session.run(WHERE)?,
        &format!("pglearn|ml|plain_owner|{}", env!("CARGO_PKG_VERSION")),
    )?;
    session.run("DROP EXTENSION pglearn")?;
    let left =
        session.run("SELECT count(*) FROM pg_class WHERE relnamespace = 'ml'::regnamespace")?;
    expect("relations left behind by DROP EXTENSION", &left, "0")
}

/// Operators in the database owner's schema that would fit what a script of a trusted extension, which
/// runs as a superuser, might write without a schema: of two arguments of one type, for which
/// PostgreSQL takes a literal, too. One that runs says as whom.
const HOSTILE: &str = "CREATE SCHEMA ml;
  DO $make$ DECLARE kind text; name text; result text; BEGIN
    FOREACH kind IN ARRAY '{text,name,jsonb,int4,int8,oid,anyelement}'::text[] LOOP
      FOREACH name IN ARRAY '{=,<>,~,!~,<,<=,>,>=,||,->>,+}'::text[] LOOP
        result := CASE WHEN name IN ('||', '->>', '+') THEN 'text' ELSE 'bool' END;
        EXECUTE format('CREATE OR REPLACE FUNCTION ml.spy_%s(%s, %s) RETURNS %1$s LANGUAGE plpgsql AS
          $spy$ BEGIN RAISE EXCEPTION ''code of others runs as %%'', current_user; END $spy$', result, kind, kind);
        EXECUTE format('CREATE OPERATOR ml.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = ml.spy_%s)', name, kind, kind, result);
      END LOOP;
    END LOOP;
  END $make$";

/// A database owner who fills the schema with operators of his own before he has the extension
/// installed gets none of them run as the superuser, nor built into a view or a constraint.
pub fn over_hostile_operators(cluster: &Cluster) -> Result<()> {
    let prepare = |name: &str, options: &str| {
        let again = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        cluster.sql("postgres", &again)?;
        cluster.sql("postgres", "DROP ROLE IF EXISTS hostile_owner")?;
        cluster.sql("postgres", "CREATE ROLE hostile_owner")?;
        let create = format!("CREATE DATABASE {name} OWNER hostile_owner TEMPLATE template0");
        cluster.sql("postgres", &format!("{create} {options}"))?;
        let mut session = cluster.session(name)?;
        session.run("SET SESSION AUTHORIZATION hostile_owner")?;
        session.run(HOSTILE)?;
        Ok(session)
    };
    // An encoding that is refused: the refusal puts its words together.
    let mut session = prepare("hostile_refused", "ENCODING 'LATIN1' LOCALE 'C'")?;
    session.send("CREATE EXTENSION pglearn SCHEMA ml")?;
    let answer = session.finish()?;
    expect("the SQLSTATE", &answer.sqlstate, "0A000")?;
    if !answer.text.contains("This one is in LATIN1.") {
        fail!("another refusal: {}", answer.text);
    }
    drop(session);
    cluster.sql("postgres", "DROP DATABASE hostile_refused WITH (FORCE)")?;
    let mut session = prepare("hostile_install", "")?;
    session.run("CREATE EXTENSION pglearn SCHEMA ml")?;
    let built_in = session.run(
        "SELECT count(*) FROM pg_depend AS d JOIN pg_operator AS o ON d.refclassid = 'pg_operator'::regclass AND d.refobjid = o.oid
          WHERE o.oprowner = 'hostile_owner'::regrole",
    )?;
    expect("objects that use the operators", &built_in, "0")?;
    session.run("RESET SESSION AUTHORIZATION")?;
    session.run("SELECT * FROM ml.ml_models").map(drop)
}

/// Schema `public` is refused, with what to type instead; nothing is left behind.
pub fn refused_in_public(cluster: &Cluster) -> Result<()> {
    let name = "public_refused";
    cluster.create_database(name)?;
    let mut session = cluster.session(name)?;
    for schema in ["", " SCHEMA public"] {
        session.send(&format!("CREATE EXTENSION pglearn{schema}"))?;
        let answer = session.finish()?;
        expect("the SQLSTATE", &answer.sqlstate, "3F000")?;
        if !answer.text.contains("CREATE EXTENSION pglearn SCHEMA ml") {
            fail!("no hint in {}", answer.text);
        }
    }
    let left = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace";
    expect("functions left behind", &session.run(left)?, "0")
}

/// Carries a database over into an empty one by `pg_dump` and `psql`.
pub fn copy_by_dump(cluster: &Cluster, before: &str, after: &str) -> Result<()> {
    let dump = cluster
        .client("pg_dump")
        .arg(before)
        .stdin(Stdio::null())
        .output()
        .attempt("starting pg_dump")?;
    if !dump.status.success() {
        fail!("pg_dump: {}", String::from_utf8_lossy(&dump.stderr));
    }
    let file = cluster.place.folder.join(format!("{before}.sql"));
    std::fs::write(&file, &dump.stdout).attempt(file.display())?;
    let mut restore = cluster.client("psql");
    restore
        .args(["-Xq", "-v", "ON_ERROR_STOP=1", "-d", after, "-f"])
        .arg(&file);
    crate::process::output(&mut restore)?;
    Ok(())
}

/// `pg_dump` and `psql` carry the extension into another database, object for object.
pub fn dump_and_restore(cluster: &Cluster) -> Result<()> {
    let (before, after) = ("dump_source", "dump_target");
    cluster.create_database_with_extension(before)?;
    cluster.create_database(after)?;
    copy_by_dump(cluster, before, after)?;
    expect(
        "the restored extension",
        &cluster.sql(after, WHERE)?,
        &cluster.sql(before, WHERE)?,
    )?;
    expect(
        "its objects",
        &cluster.sql(after, SURFACE)?,
        &cluster.sql(before, SURFACE)?,
    )
}

/// The library loads again in a restarted server, and in a session that never created anything.
pub fn survives_restart(cluster: &Cluster) -> Result<()> {
    cluster.create_database_with_extension("restart")?;
    cluster.restart()?;
    cluster.sql("restart", "LOAD 'pglearn'").map(drop)
}

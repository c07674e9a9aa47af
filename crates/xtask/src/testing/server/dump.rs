//! `pg_dump` and a restore into another cluster: all models answer as before, bit for bit.

use std::process::{Command, Stdio};

use super::expect;
use super::models::must_refuse;
use crate::cluster::Cluster;
use crate::error::{Attempt, Result, fail};
use crate::session::Session;

/// What is dumped, made by the role `tests_dumper`: models of every kind, two versions, aliases and
/// their history, a grant, functions that were deployed and compiled and what depends on them, a table
/// whose new rows are scored.
const MODELS: &str = "
CREATE TYPE plan AS ENUM ('free', 'basic', 'premium');
CREATE TABLE customers AS
SELECT k AS id, (k * 37 % 61)::int AS tenure, CASE WHEN k % 11 = 0 THEN NULL ELSE ((k * 53) % 97) / 3.0::float8 END AS charges,
       (ARRAY['monthly', 'yearly', 'two \"years\"'])[1 + k * 7 % 3] AS contract, (ARRAY['free', 'basic', 'premium'])[1 + k * 5 % 3]::plan AS plan,
       date '2024-01-01' + (k * 31 % 400) AS joined, (k * 37 % 61) + (k * 13 % 29) < 40 AS churned,
       (ARRAY['low', 'mid', 'high'])[1 + (k * 37 % 61) / 25] AS value_class, 3 * (k * 37 % 61) + (k * 17 % 5) AS revenue
  FROM generate_series(1, 600) AS k;
ALTER TABLE customers ADD PRIMARY KEY (id);
SELECT version FROM ml.train('churn', 'customers', 'churned', exclude => '{value_class,revenue}');
SELECT version FROM ml.train('churn', 'customers', 'churned', features => '{tenure,contract,joined}', tags => '{\"why\": \"fewer\"}');
SELECT version FROM ml.train('It''s \"odd\"', 'customers', 'value_class', exclude => '{churned,revenue}');
SELECT version FROM ml.train('revenue', 'customers', 'revenue', features => '{tenure,charges}', algorithm => 'linear_regression');
SELECT ml.promote('churn', 1, reason => 'the first');
SELECT ml.promote('churn', 2, 'Production');
SELECT ml.promote('churn', 2, force => true);
SELECT ml.rollback_alias('churn');
SELECT ml.grant_model('churn', 'tests_grantee');
SELECT ml.deploy('churn', 'predict_churn');
SELECT ml.compile('revenue', 'revenue_of');
CREATE TABLE derived (id int PRIMARY KEY, tenure int, charges float8,
    revenue float8 GENERATED ALWAYS AS (revenue_of(tenure, charges)) STORED,
    CHECK (revenue_of(tenure, charges) > -1000));
CREATE INDEX derived_revenue ON derived (revenue_of(tenure, charges));
INSERT INTO derived SELECT id, tenure, charges FROM customers;
CREATE TABLE arrivals (LIKE customers INCLUDING ALL);
SELECT ml.score_on_insert('arrivals', 'churn', 'id', 'arrival_scores');
INSERT INTO arrivals SELECT * FROM customers WHERE id <= 50;
";

/// One text of all that must be the same afterwards; doubles as their bytes.
const STATE: &str = "
SELECT 'churn', md5(string_agg(encode(float8send(ml.predict_proba('churn', c)), 'hex'), '' ORDER BY id)) FROM customers AS c;
SELECT 'alias', md5(string_agg(encode(float8send(ml.predict_proba('churn@production', c)), 'hex'), '' ORDER BY id)) FROM customers AS c;
SELECT 'classes', md5(string_agg(ml.predict_class('It''s \"odd\"', c) || ml.predict_probas('It''s \"odd\"', c)::text, '' ORDER BY id)) FROM customers AS c;
SELECT 'revenue', md5(string_agg(encode(float8send(ml.predict('revenue', c)), 'hex'), '' ORDER BY id)) FROM customers AS c;
SELECT 'deployed', md5(string_agg(d::text, '' ORDER BY id)) FROM customers AS c, predict_churn(c.tenure, c.charges, c.contract, c.plan, c.joined) AS d;
SELECT 'compiled', md5(string_agg(encode(float8send(revenue_of(tenure, charges)), 'hex'), '' ORDER BY id)) FROM customers;
SELECT 'generated', md5(string_agg(encode(float8send(revenue), 'hex'), '' ORDER BY id)) FROM derived;
SELECT 'checks', pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'derived'::regclass AND contype = 'c';
SELECT 'index', pg_get_indexdef('derived_revenue'::regclass);
SELECT 'models', model_id, name, owner, grantees, seed, last_version, tags FROM ml.models ORDER BY name;
SELECT 'versions', version_id, version, algorithm, task, target, classes, signature, source, md5(artifact), md5(holdout), metrics, created_at, created_by FROM ml.model_versions ORDER BY version_id;
SELECT 'aliases', a.alias, a.version, changed_at FROM ml.model_aliases AS a ORDER BY 1, 2;
SELECT 'history', h.history_id, h.alias, h.action, h.from_version, h.to_version, h.reason, h.moved_by FROM ml.alias_history AS h ORDER BY history_id;
SELECT 'metrics', md5(string_agg(metric || coalesce(encode(float8send(value), 'hex'), ''), '' ORDER BY metric)) FROM ml.evaluate('churn');
SELECT 'scores', count(*), md5(string_agg(s::text, '' ORDER BY id)) FROM arrival_scores AS s;
SELECT 'scorings', scoring_id, relation, model, key_column, into_table, on_error, installer FROM ml.scorings;
SELECT 'trigger', pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'arrivals'::regclass;
";

/// How a database is carried over.
#[derive(Clone, Copy, PartialEq)]
pub enum Way {
    /// `pg_dump | psql`
    Plain,
    /// `pg_dump -Fc` and `pg_restore`
    Custom,
}

/// By a superuser, in both formats.
pub fn by_superuser(cluster: &Cluster) -> Result<String> {
    carry_over(cluster, "dump_by_superuser", "postgres")
}

/// By the owner of the database, no superuser, who installed the extension.
pub fn by_database_owner(cluster: &Cluster) -> Result<String> {
    carry_over(cluster, "dump_by_owner", "tests_dumper")
}

/// In a cluster where roles have other OIDs.
const ROLES: &str =
    "CREATE ROLE tests_before; CREATE ROLE tests_dumper LOGIN; CREATE ROLE tests_grantee LOGIN";

fn carry_over(cluster: &Cluster, name: &str, by: &str) -> Result<String> {
    for role in ["tests_dumper", "tests_grantee"] {
        let exists = format!("SELECT count(*) FROM pg_roles WHERE rolname = '{role}'");
        if cluster.sql("postgres", &exists)? == "0" {
            cluster.sql("postgres", &format!("CREATE ROLE {role} LOGIN"))?;
        }
    }
    create(cluster, name)?;
    let mut session = as_role(cluster, name, "tests_dumper")?;
    session.run("CREATE SCHEMA ml; CREATE EXTENSION pglearn SCHEMA ml; GRANT USAGE ON SCHEMA ml TO PUBLIC; CREATE SCHEMA shop; SET search_path = shop")?;
    for statement in lines(MODELS) {
        session.run(statement)?;
    }
    let before = state(&mut session)?;
    let fresh = cluster.empty_sibling("fresh")?;
    fresh.sql("postgres", ROLES)?;
    for way in [Way::Plain, Way::Custom] {
        create(&fresh, name)?;
        restore(cluster, &fresh, name, by, way)?;
        let mut restored = as_role(&fresh, name, "tests_dumper")?;
        restored.run("SET search_path = shop")?;
        expect("what was restored", &state(&mut restored)?, &before)?;
        goes_on(&fresh, name, &mut restored)?;
    }
    Ok(String::new())
}

/// The statements of a text, each of which ends its line.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(";\n").filter(|text| !text.trim().is_empty())
}

/// An empty database of the role `tests_dumper`.
pub fn create(cluster: &Cluster, name: &str) -> Result<()> {
    cluster.create_database(name)?;
    cluster
        .sql(
            "postgres",
            &format!("ALTER DATABASE {name} OWNER TO tests_dumper"),
        )
        .map(drop)
}

/// A session of a role that prints answers only.
pub fn as_role(cluster: &Cluster, name: &str, role: &str) -> Result<Session> {
    let mut session = cluster.session(name)?;
    session.run(&format!(
        "SET client_min_messages = error; SET SESSION AUTHORIZATION {role}"
    ))?;
    Ok(session)
}

fn state(session: &mut Session) -> Result<String> {
    let mut text = String::new();
    for statement in lines(STATE) {
        text.push_str(&session.run(statement)?);
        text.push('\n');
    }
    Ok(text)
}

/// Dumps a database and restores it into an empty one of the same name.
pub fn restore(from: &Cluster, to: &Cluster, name: &str, by: &str, way: Way) -> Result<()> {
    let file = from.place.folder.join(format!("{name}.dump"));
    let mut dump = from.client("pg_dump");
    dump.args(["-U", by, "-d", name, "-f"]).arg(&file);
    let mut load;
    if way == Way::Plain {
        load = to.client("psql");
        load.args(["-Xq", "-U", by, "-v", "ON_ERROR_STOP=1", "-d", name, "-f"])
            .arg(&file);
    } else {
        dump.arg("-Fc");
        load = to.client("pg_restore");
        load.args(["-U", by, "--exit-on-error", "-d", name])
            .arg(&file);
    }
    without_a_word(&mut dump)?;
    without_a_word(&mut load)
}

/// Runs a program that must succeed and have nothing to say: `pg_dump` and `pg_restore` only warn of
/// some losses.
fn without_a_word(command: &mut Command) -> Result<()> {
    let result = command
        .stdin(Stdio::null())
        .output()
        .attempt(crate::process::line(command))?;
    let said = String::from_utf8_lossy(&result.stderr);
    if !result.status.success() || !said.trim().is_empty() {
        fail!("`{}`: {said}", crate::process::line(command));
    }
    Ok(())
}

/// What the restored database does from now on is what the old one would do.
fn goes_on(cluster: &Cluster, name: &str, owner: &mut Session) -> Result<()> {
    // A new training gets the next number, of the version and in the database.
    let train = "SELECT version FROM ml.train('churn', 'customers', 'churned', features => '{tenure,contract}')";
    expect("the next version", &owner.run(train)?, "3")?;
    let ids = "SELECT count(*) = count(DISTINCT version_id) AND max(version_id) = max(version_id) FILTER (WHERE version = 3) FROM ml.model_versions";
    expect("its number in the database", &owner.run(ids)?, "t")?;
    let new =
        "SELECT version FROM ml.train('another', 'customers', 'revenue', features => '{tenure}')";
    expect("a new model", &owner.run(new)?, "1")?;
    // The same rows as before are held out: the seed came along.
    expect(
        "going back",
        &owner.run("SELECT ml.promote('churn', 3, force => true), ml.rollback_alias('churn')")?,
        "t|1",
    )?;

    // A grantee may use what was granted, and nothing else.
    let mut grantee = as_role(cluster, name, "tests_grantee")?;
    let ask =
        "SELECT ml.predict_proba('churn@2', 12, 'monthly', date '2024-03-01') BETWEEN 0 AND 1";
    expect("the grantee", &grantee.run(ask)?, "t")?;
    must_refuse(&mut grantee, "SELECT ml.predict('revenue', 1, 2)", "42501")?;
    must_refuse(&mut grantee, "SELECT ml.promote('churn', 2)", "42501")?;

    // New rows are scored.
    owner.run("INSERT INTO arrivals SELECT * FROM customers WHERE id BETWEEN 51 AND 60")?;
    expect(
        "scores",
        &owner.run("SELECT count(*) FROM arrival_scores")?,
        "60",
    )?;
    let generated = "INSERT INTO derived (id, tenure, charges) VALUES (1001, 5, 10) RETURNING revenue = revenue_of(5, 10)";
    expect("a generated column", &owner.run(generated)?, "t")?;
    must_refuse(
        owner,
        "INSERT INTO derived (id, tenure, charges) VALUES (1002, -1000000, 0)",
        "23514",
    )
    .map(drop)
}

//! The queue under several sessions: each job is run once, by one process; what relies on a job is in it;
//! who comes back late changes nothing; nobody gives a worker's locks away.

use std::thread;
use std::time::Duration;

use super::expect;
use crate::cluster::Cluster;
use crate::error::Result;
use crate::session::Session;

const PATIENCE: Duration = Duration::from_secs(60);
const WORKERS: &str = "pglearn.max_workers";

/// No background workers until dropped.
pub(super) struct NoWorkers<'a>(&'a Cluster);

impl<'a> NoWorkers<'a> {
    pub(super) fn on(cluster: &'a Cluster) -> Result<Self> {
        cluster.set(WORKERS, Some("0"))?;
        let guard = Self(cluster);
        cluster.wait_until(PATIENCE, "postgres", &format!("SHOW {WORKERS}"), "0")?;
        Ok(guard)
    }
}

impl Drop for NoWorkers<'_> {
    fn drop(&mut self) {
        let _ = self.0.set(WORKERS, Some("1"));
    }
}

/// A database with a table and models of it; reading the rows takes as long as `pauses` says.
fn database(cluster: &Cluster, name: &str, models: usize) -> Result<Session> {
    cluster.create_database_with_extension(name)?;
    let mut session = cluster.session(name)?;
    session.run(
        "SET client_min_messages = error; \
         CREATE TABLE d AS SELECT k AS id, k % 11 AS a, 2 * (k % 11) + k % 5 AS t FROM generate_series(1, 200) AS k; \
         ALTER TABLE d ADD PRIMARY KEY (id); \
         CREATE TABLE pauses (statement text); \
         CREATE FUNCTION pause() RETURNS boolean LANGUAGE plpgsql AS $$ \
         DECLARE command text; \
         BEGIN FOR command IN SELECT statement FROM public.pauses LOOP EXECUTE command; END LOOP; RETURN true; END $$",
    )?;
    for model in 1..=models {
        session.run(&format!(
            "SELECT FROM ml.train('m{model}', 'SELECT * FROM d WHERE (SELECT pause())', 't', \
                algorithm => 'linear_regression', split => '{{\"key\": \"id\"}}')"
        ))?;
    }
    Ok(session)
}

fn pause(session: &mut Session, statement: &str) -> Result<()> {
    let statement = statement.replace('\'', "''");
    session
        .run(&format!(
            "TRUNCATE pauses; INSERT INTO pauses VALUES ('{statement}')"
        ))
        .map(drop)
}

fn request(session: &mut Session, model: &str) -> Result<String> {
    session.run(&format!(
        "SELECT ml.request_retrain('{{\"model\": \"{model}\"}}')"
    ))
}

/// Several sessions that run what is pending at the same time: each job is begun once, and none is left.
pub fn run_once(cluster: &Cluster) -> Result<String> {
    let _quiet = NoWorkers::on(cluster)?;
    let name = "queue_once";
    let mut session = database(cluster, name, 12)?;
    pause(&mut session, "SELECT pg_sleep(0.02)")?;
    for model in 1..=12 {
        request(&mut session, &format!("m{model}"))?;
    }
    let mut runners = (0..4)
        .map(|_| cluster.session(name))
        .collect::<Result<Vec<_>>>()?;
    for runner in &mut runners {
        runner.send(
            "SET client_min_messages = error; SELECT ml.run_pending(2); SELECT ml.run_pending(12)",
        )?;
    }
    let mut begun = Vec::new();
    for runner in &mut runners {
        let answer = runner.finish()?;
        expect("a runner", &answer.sqlstate, "00000")?;
        let jobs: u32 = answer
            .text
            .lines()
            .filter_map(|n| n.parse::<u32>().ok())
            .sum();
        begun.push(jobs);
    }
    expect("begun", &begun.iter().sum::<u32>().to_string(), "12")?;
    expect(
        "jobs",
        &session.run("SELECT count(*), min(state), max(state), sum(attempts), count(DISTINCT worker_pid) > 1 FROM ml.jobs")?,
        "12|done|done|12|t",
    )?;
    expect(
        "versions",
        &session.run("SELECT count(*), min(last_version), max(last_version) FROM ml.models")?,
        "12|2|2",
    )?;
    Ok(format!("by session: {begun:?}"))
}

/// A session that is terminated in the middle of a job leaves it as it was. Meanwhile nobody else begins
/// it, and who wants to cancel it is told whom to ask.
pub fn session_dies(cluster: &Cluster) -> Result<String> {
    let _quiet = NoWorkers::on(cluster)?;
    let name = "queue_dies";
    let mut session = database(cluster, name, 1)?;
    pause(&mut session, "SELECT pg_sleep(60)")?;
    let job = request(&mut session, "m1")?;
    let mut victim = cluster.session(name)?;
    victim.send("SELECT ml.run_pending()")?;
    let pid = victim.backend;
    let sleeping = format!("SELECT wait_event FROM pg_stat_activity WHERE pid = {pid}");
    cluster.wait_until(PATIENCE, name, &sleeping, "PgSleep")?;
    expect(
        "another one",
        &session.run("SELECT ml.run_pending(5)")?,
        "0",
    )?;
    session.send(&format!("SELECT ml.cancel_job({job})"))?;
    let answer = session.finish()?;
    expect("cancelling it", &answer.sqlstate, "55P03")?;
    if !answer.text.contains(&format!("pg_cancel_backend({pid})")) {
        return expect("the hint", &answer.text, "pg_cancel_backend").map(|()| String::new());
    }
    session.run(&format!("SELECT pg_terminate_backend({pid}, 10000)"))?;
    let state = "SELECT state, attempts FROM ml.jobs";
    expect("afterwards", &session.run(state)?, "queued|0")?;
    session.run("TRUNCATE pauses")?;
    expect(
        "the next one",
        &session.run("SELECT ml.run_pending()")?,
        "1",
    )?;
    expect("at the end", &session.run(state)?, "done|1")?;
    Ok(String::new())
}

/// Two sessions under REPEATABLE READ: a job is run by one of them, without an error in the other; and only
/// where its transaction sees all that relies on the job.
pub fn repeatable_read(cluster: &Cluster) -> Result<String> {
    let _quiet = NoWorkers::on(cluster)?;
    let name = "queue_fixed";
    let mut session = database(cluster, name, 1)?;
    let begin = "SET client_min_messages = error; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM ml.models";
    let (mut one, mut two) = (cluster.session(name)?, cluster.session(name)?);
    request(&mut session, "m1")?;
    one.run(begin)?;
    two.run(begin)?;
    let run = "SELECT ml.run_pending(5)";
    expect("the first", &one.run(run)?, "1")?;
    expect("the second, before", &two.run(run)?, "0")?;
    one.run("COMMIT")?;
    expect("the second, after", &two.run(run)?, "0")?;
    // Queued after the snapshot; asked for once more after the snapshot: not for this transaction.
    request(&mut session, "m1")?;
    expect("a later job", &two.run(run)?, "0")?;
    two.run("COMMIT")?;
    two.run(begin)?;
    request(&mut session, "m1")?;
    expect("a later wish", &two.run(run)?, "0")?;
    two.run("COMMIT")?;
    two.run(begin)?;
    expect("all seen", &two.run(run)?, "1")?;
    two.run("COMMIT")?;
    // The same of rows that a watch has announced: it does not touch the job.
    session.run("SELECT ml.watch('d', 'm1', threshold => 10, min_interval => '0')")?;
    let insert =
        "INSERT INTO d SELECT max(id) + k, 1, 2 FROM d, generate_series(1, 20) AS k GROUP BY k";
    session.run(insert)?;
    two.run(begin)?;
    session.run(insert)?;
    expect(
        "announced twice, queued once",
        &session.run("SELECT count(*), (SELECT count(*) FROM ml.jobs WHERE state = 'queued') FROM ml.announcements WHERE row_count > 0")?,
        "2|1",
    )?;
    expect("later rows", &two.run(run)?, "0")?;
    two.run("COMMIT")?;
    expect(
        "then",
        two.run(&format!("{begin}; {run}; COMMIT"))?
            .lines()
            .last()
            .unwrap_or(""),
        "1",
    )?;
    expect(
        "jobs",
        &session.run("SELECT count(*), sum(attempts), min(state), max(state) FROM ml.jobs")?,
        "3|3|done|done",
    )?;
    Ok(String::new())
}

/// A writer whose rows rely on a job that is queued already is waited for: the job reads them.
pub fn open_transactions(cluster: &Cluster) -> Result<String> {
    let _quiet = NoWorkers::on(cluster)?;
    let name = "queue_open";
    let mut session = database(cluster, name, 0)?;
    session.run(
        "SELECT FROM ml.train('m1', 'd', 't', algorithm => 'linear_regression', split => '{\"key\": \"id\"}'); \
         SELECT ml.watch('d', 'm1', threshold => 10, min_interval => '0')",
    )?;
    let insert =
        "INSERT INTO d SELECT max(id) + k, 1, 2 FROM d, generate_series(1, 20) AS k GROUP BY k";
    session.run(insert)?;
    let mut writer = cluster.session(name)?;
    writer.run(&format!("BEGIN; {insert}"))?;
    expect(
        "queued",
        &session.run("SELECT count(*) FROM ml.jobs WHERE state = 'queued'")?,
        "1",
    )?;
    // Nobody waits for the writer, and a wish that cannot rely on the job is a job of its own.
    expect(
        "while it writes",
        &session.run("SELECT ml.run_pending(5)")?,
        "0",
    )?;
    writer.run("COMMIT")?;
    expect(
        "when it has",
        &session.run("SELECT ml.run_pending(5)")?,
        "1",
    )?;
    expect(
        "rows",
        &session.run("SELECT value FROM ml.training_info('m1@2') WHERE key = 'rows.total'")?,
        "240",
    )?;
    writer.run(&format!("BEGIN; {insert}"))?;
    let own = request(&mut session, "m1")?;
    writer.run("COMMIT")?;
    expect(
        "a wish beside an open announcement",
        &session.run(&format!(
            "SELECT count(*), count(*) FILTER (WHERE job_id = {own}) FROM ml.jobs WHERE state = 'queued'"
        ))?,
        "2|1",
    )?;
    session.run(
        "SELECT ml.run_pending(5); CREATE TABLE e (LIKE d); SELECT ml.watch('e', 'm1', threshold => 10, min_interval => '0')",
    )?;
    // What another watch of the model has to announce waits, so that its job is not a second one.
    let announced = "SELECT (SELECT count(*) FROM ml.announcements WHERE relation = 'e'::regclass AND row_count > 0), \
                            (SELECT count(*) FROM ml.jobs WHERE state = 'queued')";
    writer.run(&format!("BEGIN; {insert}"))?;
    session.run("INSERT INTO e SELECT * FROM d LIMIT 20")?;
    expect("beside it", &session.run(announced)?, "0|0")?;
    writer.run("COMMIT")?;
    session.run("SELECT ml.check_watches()")?;
    expect("after it", &session.run(announced)?, "1|1")?;
    Ok(String::new())
}

/// An attempt that comes back after the job has been taken over publishes nothing: its version, its
/// promotion and its notification are rolled back with it.
pub fn late_finish(cluster: &Cluster) -> Result<String> {
    let name = "queue_late";
    let mut session = database(cluster, name, 1)?;
    session.run(
        "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(4242); RETURN NULL; END $$; \
         CREATE TRIGGER hold AFTER INSERT ON ml.model_versions FOR EACH ROW EXECUTE FUNCTION hold()",
    )?;
    let mut holder = cluster.session(name)?;
    holder.run("SELECT pg_advisory_lock(4242)")?;
    let job = request(&mut session, "m1")?;
    let waiting = "SELECT count(*) FROM pg_locks AS l JOIN ml.jobs AS j ON j.worker_pid = l.pid WHERE l.locktype = 'advisory' AND NOT l.granted";
    cluster.wait_until(PATIENCE, name, waiting, "1")?;
    // As whoever takes it over would.
    session.run(&format!(
        "UPDATE ml.jobs SET attempts = attempts + 1 WHERE job_id = {job}"
    ))?;
    holder.run("SELECT pg_advisory_unlock(4242)")?;
    // The lock of the job is free when the late one has gone: it is begun a third time.
    let state = "SELECT state, attempts, version, status, error IS NULL FROM ml.jobs";
    cluster.wait_until(PATIENCE, name, state, "done|3|2|promoted|t")?;
    expect(
        "what there is",
        &session.run(
            "SELECT (SELECT string_agg(version::text, ',') FROM ml.model_versions), \
                    (SELECT count(*) FROM ml.alias_history), (SELECT last_version FROM ml.models)",
        )?,
        "1,2|1|2",
    )?;
    Ok(String::new())
}

/// A transaction that asks for a job, or runs one, can be prepared: it holds locks of one level only.
/// Until it is resolved, nobody waits for it.
pub fn two_phases(cluster: &Cluster) -> Result<String> {
    let _quiet = NoWorkers::on(cluster)?;
    let name = "queue_phases";
    let mut session = database(cluster, name, 1)?;
    let job = request(&mut session, "m1")?;
    let mut runner = cluster.session(name)?;
    runner.run(
        "SET client_min_messages = error; BEGIN; SELECT ml.run_pending(); PREPARE TRANSACTION 'queue_run'",
    )?;
    let state = format!("SELECT state, attempts FROM ml.jobs WHERE job_id = {job}");
    expect("prepared", &session.run(&state)?, "queued|0")?;
    expect("beside it", &session.run("SELECT ml.run_pending(5)")?, "0")?;
    session.send(&format!("SELECT ml.cancel_job({job})"))?;
    expect("cancelling", &session.finish()?.sqlstate, "55P03")?;
    let other = request(&mut session, "m1")?;
    session.run("ROLLBACK PREPARED 'queue_run'")?;
    expect("rolled back", &session.run(&state)?, "queued|0")?;
    session.run(&format!("SELECT ml.cancel_job({other})"))?;
    runner.run("BEGIN; SELECT ml.run_pending(); PREPARE TRANSACTION 'queue_run'")?;
    session.run("COMMIT PREPARED 'queue_run'")?;
    expect("committed", &session.run(&state)?, "done|1")?;
    runner.run(
        "BEGIN; SELECT ml.request_retrain('{\"model\": \"m1\"}'); PREPARE TRANSACTION 'queue_ask'; COMMIT PREPARED 'queue_ask'",
    )?;
    expect("asked for", &session.run("SELECT ml.run_pending(5)")?, "1")?;
    expect(
        "locks that are left",
        &session.run("SELECT count(*) FROM pg_locks WHERE locktype = 'userlock'")?,
        "0",
    )?;
    Ok(String::new())
}

/// A worker holds its seat and the lock of its job whatever the code of the job does to them.
pub fn locks_stay(cluster: &Cluster) -> Result<String> {
    let name = "queue_locks";
    let mut session = database(cluster, name, 1)?;
    let held = "SELECT string_agg(DISTINCT l.objsubid::text, ',') FROM pg_locks AS l JOIN ml.jobs AS j ON j.worker_pid = l.pid \
                 WHERE l.locktype = 'userlock' AND j.job_id = (SELECT max(job_id) FROM ml.jobs)";
    // 4: the job, 5: the seat.
    pause(
        &mut session,
        "DO $$ BEGIN BEGIN PERFORM pg_advisory_unlock_all(); RAISE 'x'; EXCEPTION WHEN OTHERS THEN PERFORM pg_advisory_unlock_all(); END; PERFORM pg_advisory_lock(7); PERFORM pg_sleep(2); END $$",
    )?;
    request(&mut session, "m1")?;
    let sleeping = "SELECT wait_event FROM pg_stat_activity AS a JOIN ml.jobs AS j ON j.worker_pid = a.pid ORDER BY job_id DESC LIMIT 1";
    cluster.wait_until(PATIENCE, name, sleeping, "PgSleep")?;
    expect("during the job", &session.run(held)?, "4,5")?;
    let state = "SELECT state FROM ml.jobs ORDER BY job_id DESC LIMIT 1";
    cluster.wait_until(PATIENCE, name, state, "done")?;
    expect("after the job", &session.run(held)?, "5")?;
    let left = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
    cluster.wait_until(PATIENCE, name, left, "0")?;
    pause(
        &mut session,
        "DO $$ BEGIN PERFORM pg_advisory_unlock_all(); RAISE 'x'; END $$",
    )?;
    request(&mut session, "m1")?;
    cluster.wait_until(PATIENCE, name, state, "failed")?;
    thread::sleep(Duration::from_millis(50));
    expect("after an error", &session.run(held)?, "5")?;
    Ok(String::new())
}

/// The code of a job does not run in a superuser's session. Where it catches a cancel and goes on, the worker
/// ends with it: at the second call of cancel_job, or when the time is long up.
pub fn defiant_code(cluster: &Cluster) -> Result<String> {
    let name = "queue_defiant";
    let mut session = database(cluster, name, 0)?;
    session.run(
        "DO $$ BEGIN CREATE ROLE queue_defiant; EXCEPTION WHEN duplicate_object THEN END $$; \
         CREATE TABLE seen (who text); GRANT ALL ON d, pauses, seen TO queue_defiant; GRANT USAGE ON SCHEMA ml TO PUBLIC; \
         SET ROLE queue_defiant; \
         SELECT FROM ml.train('m1', 'SELECT * FROM d WHERE (SELECT pause())', 't', \
            algorithm => 'linear_regression', split => '{\"key\": \"id\"}'); \
         RESET ROLE",
    )?;
    pause(
        &mut session,
        "INSERT INTO public.seen VALUES (concat_ws(' ', current_user, session_user, current_setting('is_superuser')))",
    )?;
    session.run("SET ROLE queue_defiant")?;
    request(&mut session, "m1")?;
    session.run("RESET ROLE")?;
    let state = "SELECT concat_ws(' ', state, attempts, sqlstate) FROM ml.jobs ORDER BY job_id DESC LIMIT 1";
    cluster.wait_until(PATIENCE, name, state, "done 1")?;
    expect(
        "who the job is",
        &session.run("SELECT DISTINCT who FROM seen")?,
        "queue_defiant queue_defiant off",
    )?;

    pause(
        &mut session,
        "DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN END; END LOOP; END $$",
    )?;
    let sleeping = "SELECT wait_event FROM pg_stat_activity AS a JOIN ml.jobs AS j ON j.worker_pid = a.pid WHERE j.state = 'running'";
    let job = request(&mut session, "m1")?;
    cluster.wait_until(PATIENCE, name, sleeping, "PgSleep")?;
    let cancel = format!("SELECT ml.cancel_job({job})");
    session.run(&cancel)?;
    thread::sleep(Duration::from_millis(300));
    expect("after the first call", &session.run(state)?, "running 1")?;
    session.run(&cancel)?;
    cluster.wait_until(PATIENCE, name, state, "cancelled 1")?;

    session.run(
        r#"SELECT ml.request_retrain('{"model": "m1", "timeout": "100ms", "max_attempts": 1}')"#,
    )?;
    cluster.wait_until(PATIENCE, name, state, "dead 1 58000")?;
    Ok(String::new())
}

/// An extension that the owner of a database installed: what he writes into its tables does not make him act as
/// a superuser, in the worker or in a superuser's run_pending.
pub fn forged_roles(cluster: &Cluster) -> Result<String> {
    let name = "queue_forged";
    cluster.create_database(name)?;
    let mut admin = cluster.session("postgres")?;
    admin.run(&format!(
        "SET client_min_messages = error; \
         DO $$ BEGIN CREATE ROLE queue_owner; EXCEPTION WHEN duplicate_object THEN END $$; \
         DO $$ BEGIN CREATE ROLE queue_maker CREATEROLE; EXCEPTION WHEN duplicate_object THEN END $$; \
         DO $$ BEGIN CREATE ROLE queue_user; EXCEPTION WHEN duplicate_object THEN END $$; \
         ALTER DATABASE {name} OWNER TO queue_owner"
    ))?;
    let mut owner = cluster.session(name)?;
    owner.run(
        "SET client_min_messages = error; SET ROLE queue_owner; CREATE SCHEMA ml; CREATE EXTENSION pglearn SCHEMA ml; \
         GRANT USAGE ON SCHEMA ml TO PUBLIC; CREATE SCHEMA s; GRANT ALL ON SCHEMA s TO PUBLIC; SET search_path = s; \
         CREATE TABLE d AS SELECT k AS id, k % 11 AS a, 2 * (k % 11) + k % 5 AS t FROM generate_series(1, 200) AS k; \
         CREATE TABLE seen (who name); GRANT ALL ON d, seen TO PUBLIC; \
         CREATE FUNCTION look() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO s.seen VALUES (current_user); RETURN true; END $$; \
         SELECT FROM ml.train('m', 'SELECT * FROM s.d WHERE (SELECT s.look())', 't', algorithm => 'linear_regression', split => '{\"key\": \"id\"}')",
    )?;
    let ended = "SELECT count(*) FROM ml.jobs WHERE state IN ('queued', 'running')";
    let outcome =
        "SELECT string_agg(concat_ws(' ', state, sqlstate), ', ' ORDER BY job_id) FROM ml.jobs";
    let insert = |role: &str| {
        format!(
            "UPDATE ml.models SET owner = '{role}'; INSERT INTO ml.jobs (model, kind, run_as) VALUES ('m', 'retrain', '{role}')"
        )
    };
    // An honest wish starts a worker, which finds the forged ones too.
    for role in ["postgres", "queue_maker"] {
        owner.run(&insert(role))?;
    }
    owner.run("UPDATE ml.models SET owner = 'queue_owner'; SELECT ml.request_retrain('{\"model\": \"m\"}')")?;
    cluster.wait_until(PATIENCE, name, ended, "0")?;
    expect(
        "in the worker",
        &owner.run(outcome)?,
        "failed 42501, failed 42501, done",
    )?;
    let _quiet = NoWorkers::on(cluster)?;
    owner.run(&insert("postgres"))?;
    let mut session = cluster.session(name)?;
    session.run("SET client_min_messages = error; SELECT ml.run_pending(5)")?;
    expect("in a session", &owner.run(ended)?, "0")?;
    let seen = "SELECT DISTINCT who FROM seen";
    expect("who was seen", &owner.run(seen)?, "queue_owner")?;
    for wish in [
        "SELECT ml.request_retrain('{\"model\": \"m\"}')",
        "SELECT ml.watch('s.d', 'm')",
    ] {
        session.send(wish)?;
        let refused = session.finish()?;
        expect("a superuser's wish", &refused.sqlstate, "42501")?;
        expect("who was seen", &owner.run(seen)?, "queue_owner")?;
    }
    // An ordinary user's jobs run.
    session.run(
        "SET ROLE queue_user; SELECT FROM ml.train('mine', 's.d', 't', algorithm => 'linear_regression', split => '{\"key\": \"id\"}'); \
         SELECT ml.request_retrain('{\"model\": \"mine\"}')",
    )?;
    expect(
        "its job",
        &session.run("SELECT ml.run_pending(); SELECT state FROM ml.jobs")?,
        "1\ndone",
    )?;
    Ok(String::new())
}

/// An open transaction of one session, whatever it has done to jobs and watches, holds up no other one's sweep
/// and no other one's jobs.
pub fn nobody_waits(cluster: &Cluster) -> Result<String> {
    let name = "queue_waits";
    let mut session = database(cluster, name, 2)?;
    session.run(
        "DO $$ BEGIN CREATE ROLE queue_idler; EXCEPTION WHEN duplicate_object THEN END $$; \
         GRANT USAGE ON SCHEMA ml TO queue_idler; GRANT ALL ON SCHEMA public TO queue_idler; \
         SET ROLE queue_idler; CREATE TABLE idle (k int); SELECT ml.watch('idle'); CREATE TABLE gone (k int); SELECT ml.watch('gone')",
    )?;
    let mut idler = cluster.session(name)?;
    idler.run(
        "SET ROLE queue_idler; BEGIN; UPDATE ml.watches SET threshold = 7; SELECT ml.check_watches(); SELECT ml.run_pending(0)",
    )?;
    // The watch of `gone` is to be removed, and is locked.
    session.run("DROP TABLE gone; RESET ROLE")?;
    let job = request(&mut session, "m1")?;
    let state = |job: &str| format!("SELECT state FROM ml.jobs WHERE job_id = {job}");
    cluster.wait_until(Duration::from_secs(20), name, &state(&job), "done")?;
    session.run(
        "SET statement_timeout = '10s'; SELECT ml.check_watches(); SELECT ml.run_pending(0)",
    )?;
    // A cancellation that is not committed: the worker goes on with other jobs.
    pause(&mut session, "SELECT pg_sleep(1)")?;
    let stuck = request(&mut session, "m1")?;
    cluster.wait_until(PATIENCE, name, &state(&stuck), "running")?;
    let mut canceller = cluster.session(name)?;
    canceller.run(&format!("BEGIN; SELECT ml.cancel_job({stuck})"))?;
    session.run("TRUNCATE pauses")?;
    let other = request(&mut session, "m2")?;
    cluster.wait_until(PATIENCE, name, &state(&other), "done")?;
    // The interrupt that it asked for would come too late, and meet another job.
    expect("the first one", &session.run(&state(&stuck))?, "running")?;
    canceller.run("COMMIT")?;
    cluster.wait_until(PATIENCE, name, &state(&stuck), "cancelled")?;
    idler.run("COMMIT; SELECT ml.check_watches()")?;
    // By this session, or by the worker at the same time.
    cluster.wait_until(PATIENCE, name, "SELECT count(*) FROM ml.watches", "1")?;
    strangers_take_no_locks(cluster, name, &mut session, &mut idler)?;
    Ok(String::new())
}

/// What a stranger's sweep finds due it leaves to those whose it is.
fn strangers_take_no_locks(
    cluster: &Cluster,
    name: &str,
    session: &mut Session,
    stranger: &mut Session,
) -> Result<()> {
    let _quiet = NoWorkers::on(cluster)?;
    session.run("SELECT ml.watch('d', threshold => 10)")?;
    // Two that are below the threshold each, and open at the same time.
    let insert = |from: u32| {
        format!("BEGIN; INSERT INTO d SELECT k, 1, 2 FROM generate_series({from}, {from} + 5) AS k")
    };
    let mut one = cluster.session(name)?;
    let mut two = cluster.session(name)?;
    one.run(&insert(1000))?;
    two.run(&insert(2000))?;
    one.run("COMMIT")?;
    two.run("COMMIT")?;
    stranger.run("BEGIN; SELECT ml.check_watches(); SELECT ml.run_pending()")?;
    expect(
        "locks of the stranger",
        &session.run(&format!(
            "SELECT count(*) FROM pg_locks WHERE pid = {} AND locktype = 'userlock' AND objsubid < 5",
            stranger.backend
        ))?,
        "0",
    )?;
    session.run("SELECT ml.check_watches()")?;
    expect(
        "announced",
        &session
            .run("SELECT sum(row_count) FROM ml.announcements WHERE relation = 'd'::regclass")?,
        "12",
    )?;
    stranger.run("COMMIT").map(drop)
}

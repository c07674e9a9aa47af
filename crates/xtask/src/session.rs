//! A psql that stays open, for what needs one backend over several statements: transactions that
//! wait for each other, cancellation, the CPU time of one backend.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::error::{Attempt, Error, Result, fail};
use crate::place::Place;

/// Printed by psql after each batch of statements, followed by how they went.
const END: &str = "--end-of-batch--";

/// An open session.
pub struct Session {
    psql: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// The process id of the backend.
    pub backend: u32,
}

/// What a batch of statements printed, and how its last statement ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Everything printed, errors and notices included.
    pub text: String,
    /// The SQLSTATE of the last statement, `00000` if it went well.
    pub sqlstate: String,
}

impl Session {
    pub(crate) fn open(place: &Place, database: &str) -> Result<Self> {
        let client = place.client("psql");
        // Errors go the way of the output, so that they stand where they happened.
        let mut shell = Command::new("sh");
        shell
            .args(["-c", r#"exec "$0" "$@" 2>&1"#])
            .arg(client.get_program())
            .args(["-XAtq", "-d", database]);
        for (name, value) in client.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let mut psql = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .attempt("starting psql")?;
        let (Some(input), Some(output)) = (psql.stdin.take(), psql.stdout.take()) else {
            fail!("psql was started without pipes");
        };
        let mut session = Self {
            psql,
            input,
            output: BufReader::new(output),
            backend: 0,
        };
        let backend = session.run("SELECT pg_backend_pid()")?;
        session.backend = backend
            .parse()
            .attempt(format!("the backend's process id `{backend}`"))?;
        Ok(session)
    }

    /// Sends statements without waiting for them; [`Session::finish`] collects the answer.
    pub fn send(&mut self, sql: &str) -> Result<()> {
        // An empty statement after the last one would report success in its place.
        let end = if sql.trim_end().ends_with(';') {
            ""
        } else {
            ";"
        };
        let batch = format!("{sql}{end}\n\\echo {END} :SQLSTATE\n");
        self.input
            .write_all(batch.as_bytes())
            .and_then(|()| self.input.flush())
            .attempt("writing to psql")
    }

    /// Waits for the statements that were sent.
    pub fn finish(&mut self) -> Result<Answer> {
        let mut text = String::new();
        loop {
            let mut line = String::new();
            if self
                .output
                .read_line(&mut line)
                .attempt("reading from psql")?
                == 0
            {
                return Err(Error::new(format!("the session ended: {text}")));
            }
            if let Some(sqlstate) = line.strip_prefix(END) {
                return Ok(Answer {
                    text: text.trim_end().to_owned(),
                    sqlstate: sqlstate.trim().to_owned(),
                });
            }
            text.push_str(&line);
        }
    }

    /// Runs statements and returns what they printed; fails if the last one did.
    pub fn run(&mut self, sql: &str) -> Result<String> {
        self.send(sql)?;
        let answer = self.finish()?;
        if answer.sqlstate != "00000" {
            fail!("{sql}\n{}", answer.text);
        }
        Ok(answer.text)
    }

    /// CPU time the backend has used so far, its threads included and parallel workers not.
    /// The kernel counts it in steps of about 10 ms.
    pub fn cpu_time(&self) -> Result<Duration> {
        cpu_time(self.backend)
    }

    /// The highest amount of memory the backend has held, in bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        let file = format!("/proc/{}/status", self.backend);
        let status = fs::read_to_string(&file).attempt(&file)?;
        let kilobytes = status.lines().find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .trim()
                .strip_suffix(" kB")?
                .parse::<u64>()
                .ok()
        });
        kilobytes
            .map(|value| value * 1024)
            .ok_or_else(|| Error::new(format!("{file} does not give VmHWM")))
    }
}

/// CPU time that a process has used so far, its threads included.
pub fn cpu_time(process: u32) -> Result<Duration> {
    let file = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&file).attempt(&file)?;
    ticks(&stat)
        .map(|ticks| Duration::from_millis(ticks * 10))
        .ok_or_else(|| Error::new(format!("{file} is not as proc(5) says")))
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.input.write_all(b"\\q\n");
        // A session in the middle of a statement does not read; the server notices it is gone.
        let _ = self.psql.kill();
        let _ = self.psql.wait();
    }
}

/// User and system time in clock ticks (Linux: 100 a second): fields 14 and 15 of
/// `/proc/<pid>/stat`, counted after the name, which may hold spaces.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_fields_of_stat_after_a_name_with_spaces() {
        let stat = "4242 (postgres: a) b) S 1 4242 4242 0 -1 4194624 900 0 0 0 123 45 0 0 20 0 1 0 777 0 0";
        assert_eq!(ticks(stat), Some(168));
        assert_eq!(ticks("4242 (x) S 1"), None);
    }

    #[test]
    fn reads_our_own_stat() {
        assert!(ticks(&fs::read_to_string("/proc/self/stat").unwrap()).is_some());
    }
}

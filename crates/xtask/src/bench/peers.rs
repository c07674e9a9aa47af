//! The same regression by the way that leaves the database: COPY, numpy, scikit-learn.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use super::Bench;
use super::data::{NARROW, Points, WIDE};
use super::measure::{Cost, cost_of, median_of_pairs};
use super::table::Goal;
use super::train::converged;
use crate::error::{Attempt, Error, Result, fail};
use crate::process;
use crate::session::Session;

/// What pip installs.
const PACKAGES: [&str; 2] = ["numpy", "scikit-learn"];
/// Reads COPY's binary format from its input and fits.
const PROGRAM: &str = include_str!("peers.py");
/// Ours takes at most this part of theirs.
const GOAL: f64 = 1.0 / 8.0;
const AIM: f64 = 1.0 / 12.0;

/// Compares on both tables.
pub fn run(bench: &mut Bench<'_>) -> Result<()> {
    let Some(peer) = Peer::install(bench)? else {
        eprintln!("peers: skipped, python3 with venv and {PACKAGES:?} cannot be had");
        return Ok(());
    };
    bench.table.section(format!(
        "logregr_train on one thread, against COPY (BINARY) + {}, client and server together",
        peer.version
    ));
    for points in [NARROW, WIDE] {
        points.make(bench)?;
        for (what, whole) in [("whole program", true), ("imports not counted", false)] {
            let ratio = median_of_pairs(|| {
                let mut session = bench.session()?;
                session.run("DROP TABLE IF EXISTS model, model_summary; CHECKPOINT")?;
                session.run(&points.scan())?;
                let theirs = peer.cost(&mut session, points, whole)?;
                Ok((theirs, cost_of(&mut session, &training(points))?))
            })?;
            converged(&mut bench.session()?)?;
            let goal = Goal::at_most(GOAL).aim(AIM);
            bench
                .table
                .push(format!("{}, {what}", points.size()), ratio, Some(goal));
        }
        peer.check(&mut bench.session()?, points)?;
    }
    Ok(())
}

fn training(points: Points) -> String {
    format!(
        "SELECT ml.logregr_train('{}', 'model', 'label', 'ARRAY[{}]')",
        points.table(),
        points.names()
    )
}

/// An installed scikit-learn.
struct Peer {
    python: PathBuf,
    program: PathBuf,
    version: String,
}

/// What the program said.
struct Fit {
    coefficients: Vec<f64>,
    /// What Python and its imports took before the first row was read.
    imports: Cost,
}

impl Peer {
    /// Installs the packages below the target folder, unless they are there; `None` where that
    /// cannot be done.
    fn install(bench: &Bench<'_>) -> Result<Option<Self>> {
        let folder = bench.workspace.home.join("peers");
        let python = folder.join("bin/python");
        let versions = |python: &PathBuf| {
            process::output(Command::new(python).args([
                "-c",
                "import sklearn, numpy; print('scikit-learn', sklearn.__version__, '/ numpy', numpy.__version__)",
            ]))
        };
        if versions(&python).is_err() {
            let made = process::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
                .and_then(|()| {
                    process::run(
                        Command::new(&python)
                            .args(["-m", "pip", "install", "--quiet"])
                            .args(PACKAGES),
                    )
                });
            if let Err(error) = made {
                eprintln!("{error}");
                return Ok(None);
            }
        }
        let program = folder.join("peers.py");
        fs::write(&program, PROGRAM).attempt(program.display())?;
        Ok(Some(Self {
            version: versions(&python)?.trim().to_owned(),
            python,
            program,
        }))
    }

    /// Exports and fits once; psql, the program and the backend all count.
    fn cost(&self, session: &mut Session, points: Points, whole: bool) -> Result<Cost> {
        let client = session.run(r"\! echo $PPID")?;
        let before = cpu_of_family(&client)? + session.cpu_time()?.as_secs_f64();
        let start = Instant::now();
        let fit = self.fit(session, points)?;
        let wall = start.elapsed().as_secs_f64();
        let cpu = cpu_of_family(&client)? + session.cpu_time()?.as_secs_f64() - before;
        Ok(if whole {
            Cost { cpu, wall }
        } else {
            Cost {
                cpu: cpu - fit.imports.cpu,
                wall: wall - fit.imports.wall,
            }
        })
    }

    fn fit(&self, session: &mut Session, points: Points) -> Result<Fit> {
        let words = [
            self.python.display().to_string(),
            self.program.display().to_string(),
            points.columns.to_string(),
        ];
        let command = words.map(|word| process::quote(&word)).join(" ");
        let said = session.run(&format!(
            r"\copy (SELECT {}, label FROM {}) TO PROGRAM '{}' (FORMAT binary)",
            points.names(),
            points.table(),
            command.replace('\'', "''")
        ))?;
        let numbers: Result<Vec<f64>> = said
            .split_whitespace()
            .map(|word| word.parse().attempt(format!("the peer said `{said}`")))
            .collect();
        let numbers = numbers?;
        let [wall, cpu, coefficients @ ..] = numbers.as_slice() else {
            fail!("the peer said nothing");
        };
        Ok(Fit {
            coefficients: coefficients.to_vec(),
            imports: Cost {
                cpu: *cpu,
                wall: *wall,
            },
        })
    }

    /// Both must have solved the same problem.
    fn check(&self, session: &mut Session, points: Points) -> Result<()> {
        let theirs = self.fit(session, points)?.coefficients;
        session.run("DROP TABLE IF EXISTS model, model_summary")?;
        session.run(&training(points))?;
        let ours = session.run("SELECT array_to_string(coef, ' ') FROM model")?;
        let ours: Vec<f64> = ours
            .split(' ')
            .filter_map(|word| word.parse().ok())
            .collect();
        let agree = ours.len() == theirs.len()
            && ours.iter().zip(&theirs).all(|(a, b)| (a - b).abs() < 1e-3);
        if !agree {
            fail!("different coefficients:\nours   {ours:?}\ntheirs {theirs:?}");
        }
        Ok(())
    }
}

/// CPU time of a process and its children that have ended, in seconds: fields 14 to 17 of
/// `/proc/<pid>/stat`, in hundredths.
fn cpu_of_family(pid: &str) -> Result<f64> {
    let file = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&file).attempt(&file)?;
    let fields: Option<Vec<f64>> = stat.rsplit_once(") ").map(|(_, rest)| {
        let fields = rest.split(' ').skip(11).take(4);
        fields.filter_map(|field| field.parse().ok()).collect()
    });
    match fields.as_deref() {
        Some(ticks @ [_, _, _, _]) => Ok(ticks.iter().sum::<f64>() / 100.0),
        _ => Err(Error::new(format!("{file} is not as proc(5) says"))),
    }
}

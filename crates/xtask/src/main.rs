//! Builds, demonstrates, tests, measures and packages pglearn without touching the system's PostgreSQL.

mod account;
mod bench;
mod cluster;
mod debian;
mod deliver;
mod demo;
mod elf;
mod error;
mod extension;
mod libclang;
mod options;
mod place;
mod postgres;
mod prefix;
mod prerequisites;
mod process;
mod schema;
mod session;
mod testing;
mod wine;
mod workspace;

use std::process::ExitCode;

use error::{Result, fail};
use options::Options;
use prerequisites::Toolbox;
use workspace::Workspace;

/// A command: its name, one line about it, and the rest of its help.
const COMMANDS: [(&str, &str, &str); 8] = [
    (
        "demo",
        "train a model of real data inside a throwaway PostgreSQL",
        "Builds the extension (release), starts a cluster that only a socket reaches, loads the red wine\nquality data, trains, shows and evaluates a model. The cluster stays up for `psql` until `stop`.\nA second run replaces it.",
    ),
    (
        "psql",
        "open a shell on the demo's cluster",
        "All arguments are psql's: cargo xtask psql -c 'SELECT 1'",
    ),
    (
        "stop",
        "end the demo and remove its cluster",
        "Stops every cluster that `demo` started from this checkout.",
    ),
    (
        "test",
        "run all tests, or those whose names contain a word: test [WORD…]",
        "  crate/…    unit and documentation tests of the crates that need no server\n  sql/…      the regression suites in tests/\n  readme     the SQL of README.md\n  server/…   several sessions, dump and restore, restart\n\n  --update   take the results of the sql/ suites as what is expected\n  --release  test the release build\n\nTests on real data need the environment variable PGLEARN_DATA, the folder of the data.",
    ),
    (
        "bench",
        "measure: bench [NAME…]",
        "Builds the extension (release) and measures it on a throwaway cluster. Benchmarks:",
    ),
    (
        "prerequisites",
        "find PostgreSQL, its headers and libclang, or download them",
        "Looks at PG_CONFIG, PATH and the usual places. On Debian and Ubuntu what is missing is downloaded\nand unpacked below the target folder; nothing is installed. PGLEARN_PG=download ignores what is\ninstalled.\n\n  --print-env  print the variables that cargo needs to build the extension, for a shell to evaluate",
    ),
    (
        "install",
        "put the extension into a real server: install --pg-config PATH",
        "Builds (release) and copies the library, the control file and the SQL scripts.",
    ),
    (
        "package",
        "make a tarball of the extension",
        "Library, control file, SQL scripts, licence and README, below the target folder.",
    ),
];

const COMMON: &str = "  --pg-version N     PostgreSQL 15 (preferred), 16, 17 or 18\n  --pg-config PATH   the PostgreSQL to use; also as PG_CONFIG in the environment\n  --help             about one command";

fn main() -> ExitCode {
    match dispatch(std::env::args().skip(1).collect()) {
        Ok(true) => ExitCode::SUCCESS,
        // What failed has been said, and the last line counts it.
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command; false means that tests failed.
fn dispatch(mut arguments: Vec<String>) -> Result<bool> {
    if arguments.is_empty() || ["--help", "-h", "help"].contains(&arguments[0].as_str()) {
        print!("{}", help());
        return Ok(true);
    }
    let command = arguments.remove(0);
    if command == "psql" && arguments != ["--help"] {
        return demo::psql(&arguments, &Workspace::locate()?).map(|()| true);
    }
    let Some((name, about, details)) = COMMANDS.into_iter().find(|(name, ..)| *name == command)
    else {
        fail!("there is no command {command}\n\n{}", help());
    };
    let options = Options::parse(arguments)?;
    if options.help {
        println!(
            "cargo xtask {name}: {about}\n\n{details}\n{}\n{COMMON}",
            if name == "bench" {
                bench::list()
            } else {
                String::new()
            }
        );
        return Ok(true);
    }
    if !options.words.is_empty() && !["test", "bench"].contains(&name) {
        fail!("{name} takes no {}: see --help", options.words.join(" "));
    }
    let workspace = Workspace::locate()?;
    match name {
        "test" => return testing::run(&options, &workspace),
        "demo" => demo::run(&options, &workspace)?,
        "stop" => demo::stop(&workspace)?,
        "bench" => bench::run(&options, &workspace)?,
        "install" => deliver::install(&options, &workspace)?,
        "package" => deliver::package(&options, &workspace)?,
        _ => prerequisites(&options, &workspace)?,
    }
    Ok(true)
}

fn prerequisites(options: &Options, workspace: &Workspace) -> Result<()> {
    let toolbox = Toolbox::gather(options, workspace)?;
    if options.print_env {
        print!("{}", toolbox.shell_environment());
    } else {
        let server = &toolbox.server;
        println!(
            "{}\n  pg_config  {}\n  headers    {}",
            server.version,
            server.pg_config.display(),
            server.headers.display()
        );
    }
    Ok(())
}

fn help() -> String {
    let commands: String = COMMANDS
        .iter()
        .map(|(name, about, _)| format!("  {name:<14} {about}\n"))
        .collect();
    format!("cargo xtask COMMAND\n\n{commands}\n{COMMON}\n")
}

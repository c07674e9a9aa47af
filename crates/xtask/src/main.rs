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
mod help;
mod libclang;
mod listener;
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
        print!("{}", help::overview());
        return Ok(true);
    }
    let command = arguments.remove(0);
    if command == "psql" && arguments != ["--help"] {
        return demo::psql(&arguments, &Workspace::locate()?).map(|()| true);
    }
    let Some(topic) = help::topic(&command) else {
        fail!("there is no command {command}\n\n{}", help::overview());
    };
    let options = Options::parse(arguments)?;
    if options.help {
        let list = if command == "bench" {
            bench::list()
        } else {
            String::new()
        };
        println!("{}", topic.text(&list));
        return Ok(true);
    }
    if !options.words.is_empty() && !["test", "bench"].contains(&command.as_str()) {
        fail!("{command} takes no {}: see --help", options.words.join(" "));
    }
    let workspace = Workspace::locate()?;
    match command.as_str() {
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

//! The command line, as far as the commands share it.

use std::path::PathBuf;

use crate::error::{Attempt, Error, Result, fail};
use crate::extension::Profile;
use crate::postgres::SUPPORTED;

/// Options and words of a command.
#[derive(Debug, Default)]
pub struct Options {
    /// `--pg-version N`.
    pub pg_version: Option<u16>,
    /// `--pg-config PATH` or the environment's `PG_CONFIG`.
    pub pg_config: Option<PathBuf>,
    /// `--release`.
    pub release: bool,
    /// `--dev`.
    pub dev: bool,
    /// `--update`.
    pub update: bool,
    /// `--print-env`.
    pub print_env: bool,
    /// `--help`.
    pub help: bool,
    /// Everything else, in order.
    pub words: Vec<String>,
}

impl Options {
    /// Reads the arguments that follow the command.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            pg_config: std::env::var_os("PG_CONFIG").map(PathBuf::from),
            ..Self::default()
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let (name, mut value) = match argument.split_once('=') {
                Some((name, value)) if name.starts_with("--") => {
                    (name.to_owned(), Some(value.to_owned()))
                }
                _ => (argument, None),
            };
            let mut wanted = || {
                value
                    .take()
                    .or_else(|| arguments.next())
                    .ok_or_else(|| Error::new(format!("{name} needs a value")))
            };
            match name.as_str() {
                "--pg-version" => options.pg_version = Some(version(&wanted()?)?),
                "--pg-config" => options.pg_config = Some(wanted()?.into()),
                "--release" => options.release = true,
                "--dev" => options.dev = true,
                "--update" => options.update = true,
                "--print-env" => options.print_env = true,
                "--help" | "-h" => options.help = true,
                _ if name.starts_with('-') => fail!("there is no option {name}: see --help"),
                _ => options.words.push(name),
            }
        }
        Ok(options)
    }

    /// The profile that `--release` selects.
    pub fn profile(&self) -> Profile {
        if self.release {
            Profile::Release
        } else {
            Profile::Dev
        }
    }
}

fn version(text: &str) -> Result<u16> {
    let version = text.parse().attempt(format!("--pg-version {text}"))?;
    if !SUPPORTED.contains(&version) {
        fail!("--pg-version {version}: pglearn builds for {SUPPORTED:?}");
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn values_follow_with_a_space_or_an_equals_sign() {
        let options =
            parse("--pg-version=16 linregr --pg-config /x/pg_config --update readme").unwrap();
        assert_eq!(options.pg_version, Some(16));
        assert_eq!(options.pg_config, Some("/x/pg_config".into()));
        assert_eq!(options.words, ["linregr", "readme"]);
        assert!(options.update && !options.release);
    }

    #[test]
    fn mistakes_are_named() {
        assert!(
            parse("--pg-version")
                .unwrap_err()
                .to_string()
                .contains("needs a value")
        );
        assert!(
            parse("--pg-version 9")
                .unwrap_err()
                .to_string()
                .contains("builds for")
        );
        assert!(parse("--fast").unwrap_err().to_string().contains("--fast"));
    }
}

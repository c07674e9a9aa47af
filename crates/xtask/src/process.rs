//! Running other programs, and telling exactly which one failed and how.

use std::process::{Command, Stdio};

use crate::error::{Attempt, Result, fail};

/// The command as one would type it, for messages.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| quote(&word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ")
}

/// `text` quoted for a POSIX shell where it needs to be.
pub fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Runs the command silently and returns what it wrote to standard output.
pub fn output(command: &mut Command) -> Result<String> {
    let result = command
        .stdin(Stdio::null())
        .output()
        .attempt(line(command))?;
    if !result.status.success() {
        let said = String::from_utf8_lossy(&result.stderr);
        fail!(
            "`{}` failed ({}):\n{}",
            line(command),
            result.status,
            said.trim_end()
        );
    }
    Ok(String::from_utf8_lossy(&result.stdout).into_owned())
}

/// Runs the command and lets all it says pass to standard error, where our own progress goes.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .attempt(line(command))?;
    if !status.success() {
        fail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// Whether a program of this name can be started.
pub fn exists(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_only_what_needs_it() {
        assert_eq!(quote("/usr/bin/psql"), "/usr/bin/psql");
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn a_failing_command_is_named() {
        let error = output(Command::new("sh").args(["-c", "echo no >&2; exit 3"]))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("sh -c") && error.contains("no") && error.contains('3'),
            "{error}"
        );
    }
}

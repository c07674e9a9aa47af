//! The account that servers run as: PostgreSQL refuses to run as root.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Attempt, Error, Result};

/// Who runs the servers.
#[derive(Clone, Debug, PartialEq)]
pub enum Account {
    /// We are an ordinary user, and so are the servers.
    Own,
    /// We are root: the servers run as this user.
    Other {
        /// Name in `/etc/passwd`.
        name: String,
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
}

impl Account {
    /// The account for this process: its own, or for root `postgres`, or else `nobody`.
    pub fn choose() -> Result<Self> {
        let own = fs::metadata("/proc/self")
            .attempt("reading /proc/self")?
            .uid();
        if own != 0 {
            return Ok(Self::Own);
        }
        let passwd = fs::read_to_string("/etc/passwd").attempt("reading /etc/passwd")?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| parse(&passwd, name))
            .ok_or_else(|| Error::new("PostgreSQL does not run as root and there is no user `postgres` or `nobody` here: run this as an ordinary user"))
    }

    /// Makes the command run as this account.
    pub fn apply<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        match self {
            Self::Own => command,
            // As root, std also clears the supplementary groups when it sets the user.
            Self::Other { uid, gid, .. } => command.gid(*gid).uid(*uid),
        }
    }

    /// Gives a file or folder to this account.
    pub fn give(&self, path: &Path) -> Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Other { uid, gid, .. } => {
                chown(path, Some(*uid), Some(*gid)).attempt(format!("chown {}", path.display()))
            }
        }
    }

    /// Whether this account can enter and read the folder.
    pub fn can_read(&self, folder: &Path) -> bool {
        let mut command = Command::new("ls");
        command
            .arg(folder.join("."))
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.apply(&mut command)
            .status()
            .is_ok_and(|status| status.success())
    }
}

/// The line of `name` in the text of `/etc/passwd`.
fn parse(passwd: &str, name: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next() == Some(name);
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        (found && uid != 0).then(|| Account::Other {
            name: name.to_owned(),
            uid,
            gid,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_user_by_its_whole_name() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\npostgres2:x:7:7::/:\npostgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(
            parse(passwd, "postgres"),
            Some(Account::Other {
                name: "postgres".into(),
                uid: 101,
                gid: 104
            })
        );
        assert_eq!(parse(passwd, "nobody"), None);
        assert_eq!(parse(passwd, "root"), None);
    }
}

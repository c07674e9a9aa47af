//! A client that LISTENs, as anybody's would: psql, which shows the notifications that came whenever it
//! runs a command.

use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::Cluster;
use crate::error::{Result, fail};
use crate::session::Session;

/// How often [`Listener::wait_for`] looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// What NOTIFY sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// Its channel.
    pub channel: String,
    /// Its payload.
    pub payload: String,
    /// The process id of the backend that sent it.
    pub sender: u32,
}

/// An open session that listens.
pub struct Listener {
    session: Session,
    heard: Vec<Notification>,
}

impl Listener {
    /// Listens on these channels of a database from now on.
    pub fn open(cluster: &Cluster, database: &str, channels: &[&str]) -> Result<Self> {
        let mut session = cluster.session(database)?;
        for channel in channels {
            session.run(&format!("LISTEN {channel}"))?;
        }
        Ok(Self {
            session,
            heard: Vec::new(),
        })
    }

    /// Its session, to keep it busy.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// All that has come since the start, in its order.
    pub fn heard(&mut self) -> Result<&[Notification]> {
        let shown = self.session.run("SELECT")?;
        for line in shown.lines().filter(|line| !line.is_empty()) {
            match notification(line) {
                Some(notification) => self.heard.push(notification),
                None => fail!("psql shows something else than a notification: {line}"),
            }
        }
        Ok(&self.heard)
    }

    /// Waits until so many have come in all, and returns them; more fail at once, fewer in the end.
    pub fn wait_for(&mut self, count: usize, patience: Duration) -> Result<Vec<Notification>> {
        let began = Instant::now();
        loop {
            let heard = self.heard()?;
            if heard.len() > count || (heard.len() < count && began.elapsed() > patience) {
                fail!(
                    "{} notifications instead of {count}: {heard:?}",
                    heard.len()
                );
            }
            if heard.len() == count {
                return Ok(heard.to_vec());
            }
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// Waits until one of this channel has come, and returns the first.
    pub fn first_of(&mut self, channel: &str, patience: Duration) -> Result<Notification> {
        let began = Instant::now();
        loop {
            let heard = self.heard()?;
            if let Some(first) = heard.iter().find(|each| each.channel == channel) {
                return Ok(first.clone());
            }
            if began.elapsed() > patience {
                fail!("nothing came on channel {channel}, only {heard:?}");
            }
            thread::sleep(BETWEEN_LOOKS);
        }
    }
}

/// Reads psql's sentence about a notification.
fn notification(line: &str) -> Option<Notification> {
    let rest = line.strip_prefix("Asynchronous notification \"")?;
    let (rest, sender) = rest.rsplit_once(" received from server process with PID ")?;
    let (channel, payload) = match rest.split_once("\" with payload \"") {
        Some((channel, payload)) => (channel, payload.strip_suffix('"')?),
        None => (rest.strip_suffix('"')?, ""),
    };
    Some(Notification {
        channel: channel.to_owned(),
        payload: payload.to_owned(),
        sender: sender.strip_suffix('.')?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_psql_says() {
        let line = r#"Asynchronous notification "retrain_model" with payload "{"table": "d", "count": 7}" received from server process with PID 4242."#;
        assert_eq!(
            notification(line),
            Some(Notification {
                channel: "retrain_model".to_owned(),
                payload: r#"{"table": "d", "count": 7}"#.to_owned(),
                sender: 4242
            })
        );
        let bare = r#"Asynchronous notification "c" received from server process with PID 1."#;
        assert_eq!(notification(bare).map(|n| n.payload), Some(String::new()));
        assert_eq!(notification("ERROR:  something else"), None);
    }
}

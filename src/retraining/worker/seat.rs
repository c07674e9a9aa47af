//! The places of a database's workers: session-level locks, so that a worker that dies leaves none behind.

use crate::pg::background::{self, Reason};
use crate::pg::error::Result;
use crate::pg::lock::{self, Name, SessionLock};
use crate::pg::transaction::in_transaction;
use crate::settings;

/// A place that this process has taken, given back when dropped.
pub struct Seat {
    number: i32,
    _lock: SessionLock,
}

impl Seat {
    /// Takes the first free one below a number.
    fn below(number: i32) -> Result<Option<Self>> {
        in_transaction(|| {
            Ok((0..number).find_map(|number| {
                let _lock = lock::try_for_session(Name::Seat(number))?;
                Some(Self { number, _lock })
            }))
        })
    }

    /// Takes a free one; where there is none, wakes those who have them: they see what this process was
    /// started for. Not if it only looks around: they would never find time to go.
    ///
    /// # Errors
    /// Those of a transaction.
    pub fn take(reason: Reason) -> Result<Option<Self>> {
        let seat = Self::below(settings::max_workers())?;
        if seat.is_none() && reason == Reason::Commit {
            in_transaction(|| {
                holders().for_each(background::wake);
                Ok(())
            })?;
        }
        Ok(seat)
    }

    /// Takes the first one, if it is free.
    ///
    /// # Errors
    /// Those of a transaction.
    pub fn take_first() -> Result<Option<Self>> {
        Self::below(settings::max_workers().min(1))
    }

    /// The first seat's worker waits for jobs that are not due yet, the others go. Moves to the first seat
    /// if it is free, and says whether this is the one who waits.
    ///
    /// # Errors
    /// Those of a transaction.
    pub fn is_first(&mut self) -> Result<bool> {
        if self.number > 0
            && let Some(first) = Self::take_first()?
        {
            *self = first;
        }
        Ok(self.number == 0)
    }

    /// Whether the setting still allows for it.
    pub fn is_allowed(&self) -> bool {
        self.number < settings::max_workers()
    }
}

/// The processes that hold seats.
pub fn holders() -> impl Iterator<Item = i32> {
    let own = background::own_pid();
    (0..settings::max_workers())
        .filter_map(|number| lock::holder(Name::Seat(number)))
        .filter(move |pid| *pid != own)
}

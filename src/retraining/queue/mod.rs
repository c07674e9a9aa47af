//! The queue: the table `jobs`, and who may do what to a job when.
//!
//! **Who writes.** Nobody but the owner of the extension's tables writes to `jobs`: every function here
//! turns into that role, restricted, for its own statements, after what the caller of SQL may do has been
//! checked in Rust. Users read the jobs of the roles that they have the privileges of, and change them by
//! `request_retrain`, `cancel_job`, `resume_jobs`. What a job does it does as its `run_as`, as far as the owner of the
//! table can `vouch` for that.
//!
//! **Life of a job.** `queued` → [`claim`]: `running`, `attempts` one more, the lock of the job held by the
//! process that runs it → [`finish`]: `done`, in the transaction that publishes the version; or [`fail`]:
//! `queued` again, later, after an error that may pass; `dead` where `max_attempts` are used up; `failed`
//! after any other error; `cancelled` where that was asked for. `running` with a free lock: its process
//! has died, and [`claim`] takes it over. `attempts` is the fencing token: who comes back late finds another number
//! in the row and changes nothing.
//!
//! **One queued retraining a model.** Whoever queues one takes the transaction-level lock of the model,
//! without waiting, and looks with a fresh snapshot. Where one is queued he relies on it, to see what he
//! writes: so a job is only claimed while that lock is free, that is when the transactions that rely on it
//! have ended, and its process reads the data after the claim. Who cannot have the lock queues a
//! job of his own.

mod cancel;
mod claim;
mod enqueue;
mod job;
mod outcome;
mod owner;
mod prune;
mod resume;
mod vouch;

pub use cancel::cancel;
pub use claim::{claim, claim_here, next_due};
pub use enqueue::{Enqueued, NewJob, enqueue};
pub use job::{Job, Kind, State};
pub use outcome::{Done, fail, finish, must_stop};
pub use prune::prune;
pub use resume::resume;
pub use vouch::must_be_run;

//! Background workers, in which jobs run.
//!
//! A transaction that leaves work starts one at its COMMIT ([`wake`]): no preloading is needed, nor any
//! right of who commits. It takes one of the database's `pglearn.max_workers` seats ([`seat`]), looks for
//! work until there has been none for `pglearn.worker_idle_timeout` ([`serve`]), and ends. With
//! `shared_preload_libraries` a launcher ([`launcher`]) also looks into every database now and then: after
//! a crash, a restart, or the commit of a prepared transaction, at which nobody can be started.
//!
//! No wake-up is lost. Whoever wants a worker makes his work visible first, then finds one that waits, and
//! sets its latch, or starts one. A worker that is started and finds no seat wakes those who sit and ends.
//! Each of them looks for work after every wait, and once more when it has given its seat back.
//!
//! A worker is connected as the bootstrap superuser, and does nothing as such but start transactions and
//! read `pg_extension`: the tables of the loop it touches as their owner, data as the role of the job,
//! both restricted.

mod launcher;
mod look;
mod seat;
mod serve;
mod wake;

pub use wake::register;

use crate::pg::background::{Start, worker_entry_point};

worker_entry_point!(
    /// A worker of one database.
    pglearn_worker_main,
    |start: Start| serve::work(start.reason, &start.connect(c"pglearn worker"))
);

worker_entry_point!(
    /// The launcher.
    pglearn_launcher_main,
    |start: Start| launcher::run(&start.connect_to_none(c"pglearn launcher"))
);

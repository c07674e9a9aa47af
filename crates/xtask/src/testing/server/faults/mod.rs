//! What the retraining loop survives: each test does to a cluster of its own, or to processes of the common
//! one, what a bad day would.

mod changes;
mod crash;
mod data;
mod disk;
mod events;
mod hostile;
mod load;
mod tools;
pub(super) mod trainings;
mod workers;

use crate::cluster::Cluster;
use crate::error::Result;
use crate::testing::report::{Outcome, Report};

/// A test of what is survived.
struct Fault {
    /// What it is called, after `server/faults/`.
    name: &'static str,
    /// Why it cannot run here, if it cannot.
    impossible: fn() -> Option<String>,
    /// Runs it; an error is a failure. The text, which may be empty, is what was measured.
    run: fn(&Cluster) -> Result<String>,
}

const FAULTS: &[Fault] = &[
    fault("tools", tools::do_what_they_say),
    fault("events/rolled_back", events::rolled_back),
    fault("events/writer_terminated", events::writer_terminated),
    fault("events/overlapping", events::overlapping),
    fault("events/prepared", events::prepared),
    fault("events/heard", events::heard),
    fault(
        "changes/watched_and_unwatched",
        changes::watched_and_unwatched,
    ),
    fault("data/that_became_invalid", data::that_became_invalid),
    fault(
        "data/whose_reader_lost_rights",
        data::whose_reader_lost_rights,
    ),
    fault("hostile/sources", hostile::sources),
    fault("hostile/settings", hostile::settings),
    fault("workers/terminated", workers::terminated),
    fault("workers/two_at_once", workers::two_at_once),
    fault("workers/late", workers::late),
    fault("workers/vacuum", workers::vacuum),
    fault("crash/killed_with_preload", crash::killed_with_preload),
    fault(
        "crash/killed_without_preload",
        crash::killed_without_preload,
    ),
    fault("crash/killed_at_any_time", crash::killed_at_any_time),
    fault(
        "crash/shut_down_in_each_state",
        crash::shut_down_in_each_state,
    ),
    Fault {
        name: "disk/full",
        impossible: disk::cannot_be_made_small,
        run: disk::full,
    },
    fault("load/of_eight_clients", load::of_eight_clients),
    fault("load/over_a_crash", load::over_a_crash),
];

/// One that can run anywhere.
const fn fault(name: &'static str, run: fn(&Cluster) -> Result<String>) -> Fault {
    Fault {
        name,
        impossible: || None,
        run,
    }
}

/// The names of the tests.
pub fn names() -> impl Iterator<Item = String> {
    FAULTS.iter().map(full_name)
}

/// Runs them.
pub fn run(cluster: &Cluster, report: &mut Report) {
    for fault in FAULTS {
        report.test(&full_name(fault), || match (fault.impossible)() {
            Some(reason) => Ok(Outcome::Skipped(reason)),
            None => (fault.run)(cluster).map(|remark| Outcome::Passed(1, remark)),
        });
    }
}

fn full_name(fault: &Fault) -> String {
    format!("server/faults/{}", fault.name)
}

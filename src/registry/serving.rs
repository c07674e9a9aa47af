//! Which version answers a statement, decoded and ready to score.
//!
//! A statement sees one version: the one that its own snapshot sees. A reference is resolved by index
//! scans under the active snapshot and the resolution is kept for the [`Moment`] it was made in: the
//! role, the content of the snapshot, the transaction, the changes of the registry's tables the
//! session was told of. In any other moment it is resolved anew. So a READ COMMITTED statement that
//! starts after a promotion was committed answers by it, a REPEATABLE READ transaction keeps what it
//! saw, what a transaction undid is undone for it too, a standby follows its primary; and a REVOKE
//! counts from the next statement on. Sharing a resolution between snapshots until a message of
//! invalidation arrives would be cheaper, and wrong in the time between a commit and its message.
//!
//! Decoded versions are kept for the session, by the tuple they came from; versions never change.

use super::catalog::{Catalog, Model, Version};
use super::reference::{Choice, Reference};
use crate::pg::catalog_scan::Stamp;
use crate::pg::context::extension_schema;
use crate::pg::error::{Failure, Result};
use crate::pg::moment::{self, Moment};
use crate::settings;
use pglearn_core::options::nearest;
use pglearn_core::pipeline::{Pipeline, Scorer};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};

/// Bytes of decoded versions a session keeps, the latest used one whatever it takes.
const CACHE_BYTES: usize = 64 << 20;

/// Resolutions a session keeps.
const RESOLUTIONS: usize = 256;

/// What a decoded version takes at most, in bytes of its stored form: the parts of the pipeline, the
/// same folded into the scorer, both with the overhead of the allocator.
const EXPANSION: usize = 8;

/// A version that answers.
#[derive(Debug)]
pub struct Serving {
    /// Number of the model.
    pub model_id: i64,
    /// Its name.
    pub model: String,
    /// Number of the version in the database.
    pub version_id: i64,
    /// Number of the version in its model.
    pub version: i32,
    /// The owner of the model.
    pub owner: Oid,
    /// What was learned.
    pub pipeline: Rc<Pipeline>,
    /// The same, compiled.
    pub scorer: Rc<Scorer>,
}

/// The version that a reference means to the running statement, if the current role may use its model.
///
/// # Errors
/// 42704 where there is no such model, alias or version, 42501 where the role may not use the model,
/// 55000 where it has no version that serves, XX001 where the stored version is not valid.
pub fn serving(reference: &str) -> Result<Rc<Serving>> {
    serving_at(reference, Moment::now()?)
}

/// [`serving`], for a caller who knows that it is called at this moment.
///
/// # Errors
/// As there.
pub fn serving_at(reference: &str, moment: Moment) -> Result<Rc<Serving>> {
    if let Some(known) = CACHE.with_borrow_mut(|cache| cache.resolved(reference, moment)) {
        return Ok(known);
    }
    let serving = resolve(reference)?;
    CACHE.with_borrow_mut(|cache| cache.remember(reference, moment, &serving));
    Ok(serving)
}

fn resolve(text: &str) -> Result<Rc<Serving>> {
    let reference = Reference::parse(text)?;
    let catalog = Catalog::find()?;
    let Some(model) = catalog.model(&reference.name)? else {
        return Err(no_model(&catalog, &reference.name)?);
    };
    if !model.is_usable() {
        return Err(permission_denied(&model));
    }
    let found = catalog.version(model.id, &reference.choice, |version| {
        let key = Key {
            table: catalog.versions_table(),
            id: version.id,
            stamp: version.stamp,
        };
        let known = CACHE.with_borrow_mut(|cache| cache.version(key, &model));
        known.map_or_else(|| load(key, &model, &version), Ok)
    })?;
    match found {
        Some(serving) => Ok(serving),
        None => Err(no_version(&catalog, &model, &reference.choice)?),
    }
}

fn load(key: Key, model: &Model, version: &Version<'_>) -> Result<Rc<Serving>> {
    let number = version.number;
    let limit = settings::max_memory();
    let bytes = version.artifact(|length| {
        if (length as u64).saturating_mul(EXPANSION as u64) <= limit {
            return Ok(());
        }
        Err(Failure::new(
            PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
            format!(
                "version {number} of model \"{}\" needs more than pglearn.max_memory ({} MB)",
                model.name,
                limit >> 20
            ),
        )
        .detail(format!("Its stored form has {length} bytes."))
        .hint("Raise pglearn.max_memory (a superuser can)."))
    })?;
    let corrupt = |error: pglearn_core::Error| match error {
        pglearn_core::Error::Corrupt { what } => Failure::new(
            PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
            format!(
                "version {number} of model \"{}\" is damaged: {what}",
                model.name
            ),
        )
        .hint("Restore it from a backup, or train the model again and drop this version."),
        other => Failure::from_core(other, &|_| String::new()),
    };
    let pipeline = Pipeline::decode(bytes).map_err(corrupt)?;
    let scorer = Scorer::new(&pipeline).map_err(corrupt)?;
    let serving = Rc::new(Serving {
        model_id: model.id,
        model: model.name.clone(),
        version_id: version.id,
        version: number,
        owner: model.owner,
        pipeline: Rc::new(pipeline),
        scorer: Rc::new(scorer),
    });
    let size = bytes.len().saturating_mul(EXPANSION);
    CACHE.with_borrow_mut(|cache| cache.keep(key, size, &serving));
    Ok(serving)
}

#[cold]
pub(super) fn no_model(catalog: &Catalog, name: &str) -> Result<Failure> {
    let names = catalog.usable_names()?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let near = nearest(name, &names);
    let failure = Failure::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        format!("model \"{name}\" does not exist"),
    );
    Ok(failure.hint(match near.as_slice() {
        [] => format!(
            "SELECT name FROM {}.models lists the models.",
            extension_schema()
        ),
        near => format!("Perhaps you mean {}.", quoted(near)),
    }))
}

#[cold]
pub(super) fn permission_denied(model: &Model) -> Failure {
    let schema = extension_schema();
    let failure = Failure::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("permission denied for model {}", model.name),
    );
    if model.is_orphan() {
        return super::model::orphaned(failure, &model.name);
    }
    failure.hint(format!(
        "Its owner can grant it: SELECT {schema}.grant_model({}, 'role');",
        pgrx::spi::quote_literal(&model.name)
    ))
}

#[cold]
pub(super) fn no_version(catalog: &Catalog, model: &Model, choice: &Choice) -> Result<Failure> {
    let name = &model.name;
    let undefined =
        |message: String| Failure::new(PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT, message);
    Ok(match choice {
        Choice::Alias(alias) => {
            let aliases = catalog.aliases(model.id)?;
            let failure = undefined(format!("model \"{name}\" has no alias \"{alias}\""));
            if aliases.is_empty() {
                failure.hint(format!(
                    "SELECT {}.promote({}, version, {}) sets it.",
                    extension_schema(),
                    pgrx::spi::quote_literal(name),
                    pgrx::spi::quote_literal(alias)
                ))
            } else {
                failure.hint(format!("Its aliases are {}.", quoted(&aliases)))
            }
        }
        Choice::Version(number) => {
            let numbers = catalog.version_numbers(model.id)?;
            let newest: Vec<String> = numbers.iter().take(10).map(ToString::to_string).collect();
            let failure = undefined(format!("model \"{name}\" has no version {number}"));
            if newest.is_empty() {
                failure.hint("It has no version at all: train it.")
            } else {
                failure.hint(format!("Its newest versions are {}.", newest.join(", ")))
            }
        }
        Choice::Serving => Failure::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("model \"{name}\" has no version that serves"),
        )
        .detail("There is none, or all are archived and no alias champion is set.")
        .hint(format!(
            "Train it, or name a version: '{name}@1'; SELECT {}.promote({}, version) lets one serve.",
            extension_schema(),
            pgrx::spi::quote_literal(name)
        )),
    })
}

fn quoted<T: AsRef<str>>(names: &[T]) -> String {
    let quoted: Vec<String> = names
        .iter()
        .map(|name| format!("\"{}\"", name.as_ref()))
        .collect();
    quoted.join(", ")
}

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::default();
}

/// What makes a stored version unique in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    table: Oid,
    id: i64,
    stamp: Stamp,
}

/// A decoded version.
struct Kept {
    key: Key,
    bytes: usize,
    used: u64,
    serving: Rc<Serving>,
}

/// What a session keeps.
#[derive(Default)]
struct Cache {
    versions: Vec<Kept>,
    resolutions: HashMap<String, (Moment, Weak<Serving>)>,
    /// Counts uses.
    clock: u64,
}

impl Cache {
    fn resolved(&mut self, reference: &str, moment: Moment) -> Option<Rc<Serving>> {
        let (then, serving) = self.resolutions.get(reference)?;
        let serving = serving.upgrade().filter(|_| *then == moment)?;
        self.touch(&serving);
        Some(serving)
    }

    fn remember(&mut self, reference: &str, moment: Moment, serving: &Rc<Serving>) {
        let entry = (moment, Rc::downgrade(serving));
        if let Some(known) = self.resolutions.get_mut(reference) {
            *known = entry;
            return;
        }
        if self.resolutions.len() >= RESOLUTIONS {
            self.resolutions.clear();
        }
        self.resolutions.insert(reference.to_owned(), entry);
    }

    fn touch(&mut self, serving: &Rc<Serving>) {
        self.clock += 1;
        let kept = self.versions.iter_mut();
        if let Some(kept) = kept.rev().find(|kept| Rc::ptr_eq(&kept.serving, serving)) {
            kept.used = self.clock;
        }
    }

    /// A decoded version, as one of this model: its owner may have changed since it was decoded.
    fn version(&mut self, key: Key, model: &Model) -> Option<Rc<Serving>> {
        self.clock += 1;
        let kept = self.versions.iter_mut().find(|kept| kept.key == key)?;
        kept.used = self.clock;
        let old = &kept.serving;
        if old.owner != model.owner || old.model != model.name || old.model_id != model.id {
            kept.serving = Rc::new(Serving {
                model_id: model.id,
                model: model.name.clone(),
                owner: model.owner,
                version_id: old.version_id,
                version: old.version,
                pipeline: Rc::clone(&old.pipeline),
                scorer: Rc::clone(&old.scorer),
            });
        }
        Some(Rc::clone(&kept.serving))
    }

    fn keep(&mut self, key: Key, bytes: usize, serving: &Rc<Serving>) {
        self.clock += 1;
        self.versions.push(Kept {
            key,
            bytes,
            used: self.clock,
            serving: Rc::clone(serving),
        });
        while self.versions.len() > 1 && self.bytes() > CACHE_BYTES {
            let oldest = (0..self.versions.len()).min_by_key(|at| self.versions[*at].used);
            self.versions.swap_remove(oldest.unwrap_or(0));
        }
    }

    fn bytes(&self) -> usize {
        self.versions.iter().map(|kept| kept.bytes).sum()
    }
}

crate::pg::entry_point!(
    /// The trigger `catalog_changed`: tells every session of a change of the registry.
    pglearn_catalog_changed,
    pg_finfo_pglearn_catalog_changed,
    moment::announce
);

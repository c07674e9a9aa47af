//! The arguments, checked against the source: nothing is read, nothing is made.

use super::arguments::Arguments;
use super::class_weight::ClassWeight;
use super::columns::{self, Choice, Reserved};
use super::key::SplitKey;
use super::model::Template;
use super::target;
use crate::pg::cell::CellKind;
use crate::pg::context::SettingScope;
use crate::pg::error::{Failure, Result};
use crate::pg::identity;
use crate::pg::parse::{self, Source};
use crate::pg::rows::{SourceColumn, describe};
use crate::pg::value::ValueKind;
use crate::registry::aliases;
use crate::registry::model::OwnModel;
use crate::registry::publish;
use pglearn_core::Error;
use pglearn_core::evaluation::{self, Gate};
use pglearn_core::learners::{self, Task};
use pglearn_core::options::one_of;
use pglearn_core::preprocess::Options;
use pglearn_core::split::{Method, Spec};
use pgrx::PgSqlErrorCode;

/// A part that a column plays besides being an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What is predicted.
    Target,
    /// How much a row counts.
    Weight,
    /// On which side of the split a row is.
    Split,
}

/// A training that may begin.
pub struct Request {
    /// As they came, source and target resolved.
    pub arguments: Arguments,
    /// From where.
    pub source: Source,
    /// Its columns.
    pub columns: Vec<SourceColumn>,
    /// Place of the target among them.
    pub target: usize,
    /// Place of the weight.
    pub weight: Option<usize>,
    /// How rows are held out.
    pub split: Spec,
    /// Places of the columns that decide on sides.
    pub split_columns: Vec<usize>,
    /// Whether these are no key but all there is.
    pub content_key: bool,
    /// Whether this is decided by this training.
    pub new_content_key: bool,
    /// What the model keeps of it (`models.split_key`), where rows are hashed.
    pub split_key: Option<Vec<String>>,
    /// Seed of the split.
    pub seed: i64,
    /// Places of the inputs.
    pub inputs: Vec<usize>,
    /// Columns that are no inputs, with the reason.
    pub left_out: Vec<(String, String)>,
    /// The task, where it is known by now.
    pub task: Option<Task>,
    /// By column.
    pub options: Options,
    /// Weights by class.
    pub class_weight: Option<ClassWeight>,
    /// On which conditions the alias moves.
    pub gate: Option<Gate>,
}

/// The columns to read, and where each stands in the view.
#[derive(Debug, Default)]
pub struct ReadList {
    /// Their names, each once.
    pub names: Vec<String>,
    /// One an input.
    pub inputs: Vec<usize>,
    /// The target.
    pub target: usize,
    /// The weight.
    pub weight: Option<usize>,
    /// What decides on sides.
    pub split: Vec<usize>,
}

impl Request {
    /// Checks everything that can be checked before a row is read. The scope is the search_path of a
    /// source that was stored: as long as it is held, the source means what it meant then.
    ///
    /// # Errors
    /// 22004, 22023, 42602 for arguments, 42501 for the model of somebody else, 42703 for columns, 42804
    /// for types, those of the source.
    pub fn new(mut arguments: Arguments) -> Result<(Self, Option<SettingScope>)> {
        // Before anything else: who may not train it learns nothing about its recipe.
        let model = publish::check(&arguments.model)?;
        let split = Spec::parse(&arguments.split).map_err(plain)?;
        let gate = arguments
            .gate
            .as_ref()
            .map(Gate::parse)
            .transpose()
            .map_err(plain)?;
        let alias = arguments.alias.as_deref();
        arguments.alias = alias.map(|alias| aliases::name(Some(alias))).transpose()?;
        if gate.is_some() && arguments.alias.is_none() {
            return Err(Failure::parameter("gate without an alias")
                .hint("Say which alias the new version should get: alias => 'champion'."));
        }
        if gate.is_some() && split.method == Method::None {
            return Err(Failure::parameter("gate without a hold-out").detail(
                "Split method none leaves no row on which both versions could be judged.",
            ));
        }
        if let Some(alias) = &arguments.alias {
            aliases::name(Some(alias))?;
        }
        let class_weight = arguments
            .class_weight
            .as_deref()
            .map(ClassWeight::parse)
            .transpose()?;
        check_metric(arguments.metric.as_deref())?;
        let mut task = target::task_of(&arguments)?;
        let (source, path) = resolve_source(&mut arguments, model.as_ref())?;
        let columns = describe(&source)?;
        let name = arguments.target.clone().unwrap_or_default();
        let place = columns::find_readable(&columns, &name, "target")?;
        if task.is_none() {
            task = target::task_of_type(&columns[place]);
        }
        target::check(&columns[place], task)?;
        if class_weight.is_some() && task == Some(Task::Regression) {
            return Err(Failure::parameter("class_weight is for classification")
                .hint("Use weight => 'column' for a weight of each row."));
        }
        check_hyperparams(&arguments, task)?;
        let weight = weight_column(&arguments, &columns, place)?;
        let key = SplitKey::new(&split, model.as_ref(), &source, &columns)?;
        let reserved = reserved(place, weight, split.method, &key);
        let Choice { inputs, left_out } = columns::choose(
            &columns,
            arguments.features.as_deref(),
            &arguments.exclude,
            &reserved,
        )?;
        let options = options(&arguments, &columns, &inputs)?;
        let mut request = Self {
            seed: model.as_ref().map_or(arguments.seed, |model| model.seed),
            arguments,
            source,
            target: place,
            weight,
            split,
            split_columns: key.places,
            content_key: key.content,
            new_content_key: key.content
                && model.as_ref().is_none_or(|model| model.split_key.is_none()),
            split_key: key.stored,
            inputs,
            left_out,
            task,
            options,
            class_weight,
            gate,
            columns,
        };
        request.refuse_no_inputs()?;
        request.arguments.seed = request.seed;
        Ok((request, path))
    }

    fn refuse_no_inputs(&mut self) -> Result<()> {
        if self.inputs.is_empty() {
            return Err(no_inputs(&self.left_out));
        }
        Ok(())
    }

    /// That metric and gate name metrics of the task; `classes` is 0 for a regression.
    ///
    /// # Errors
    /// 22023.
    pub fn check_metrics(&self, classes: usize) -> Result<()> {
        if let Some(gate) = &self.gate {
            gate.check(classes).map_err(plain)?;
        }
        let names = evaluation::metric_names(classes);
        match &self.arguments.metric {
            Some(name) if !names.contains(&name.as_str()) => Err(Failure::parameter(format!(
                "metric: {name} is not a metric of this model"
            ))
            .hint(format!("Its metrics are {}.", names.join(", ")))),
            _ => Ok(()),
        }
    }

    /// The columns to read.
    pub fn read_list(&self) -> ReadList {
        let mut list = ReadList::default();
        let at = |place: usize, names: &mut Vec<String>| {
            let name = &self.columns[place].name;
            names
                .iter()
                .position(|known| known == name)
                .unwrap_or_else(|| {
                    names.push(name.clone());
                    names.len() - 1
                })
        };
        let names = &mut list.names;
        list.inputs = self.inputs.iter().map(|place| at(*place, names)).collect();
        list.target = at(self.target, names);
        list.weight = self.weight.map(|place| at(place, names));
        list.split = self
            .split_columns
            .iter()
            .map(|place| at(*place, names))
            .collect();
        list
    }

    /// The column that plays a part, for messages.
    pub fn name(&self, role: Role) -> &str {
        let place = match role {
            Role::Target => Some(self.target),
            Role::Weight => self.weight,
            Role::Split => self.split_columns.first().copied(),
        };
        place.map_or("", |place| &self.columns[place].name)
    }
}

/// Nothing to learn from, and why.
pub fn no_inputs(left_out: &[(String, String)]) -> Failure {
    const SHOWN: usize = 10;
    let mut reasons: Vec<String> = left_out
        .iter()
        .take(SHOWN)
        .map(|(column, reason)| format!("\"{column}\": {reason}"))
        .collect();
    if left_out.len() > SHOWN {
        reasons.push(format!("and {} more", left_out.len() - SHOWN));
    }
    let failure = Failure::parameter("no column is left to learn from");
    let failure = match reasons.is_empty() {
        true => failure.detail("The source has no column besides the target and those excluded."),
        false => failure.detail(format!("Left out: {}.", reasons.join("; "))),
    };
    failure.hint("Name the columns to use: features => ARRAY['…'].")
}

fn check_metric(metric: Option<&str>) -> Result<()> {
    match metric {
        Some(name) if evaluation::greater_is_better(name).is_none() => {
            let known = evaluation::METRICS.map(|(name, _)| name);
            Err(
                Failure::parameter(format!("metric: \"{name}\" is not a metric"))
                    .hint(one_of(name, &known)),
            )
        }
        _ => Ok(()),
    }
}

/// Refuses hyper-parameters that no learner in question takes.
fn check_hyperparams(arguments: &Arguments, task: Option<Task>) -> Result<()> {
    let tasks = match task {
        Some(task) => vec![task],
        None => vec![Task::Classification, Task::Regression],
    };
    let mut refused = None;
    for task in tasks {
        for name in candidates(&arguments.algorithm, task) {
            // The number of classes is not known yet; every learner of classes takes two.
            match learners::algorithm(name, task, 2, &arguments.hyperparams) {
                Ok(_) => return Ok(()),
                // The refusal that names what may have been meant.
                Err(error) => match &refused {
                    Some(before) if !better_hint(before, &error) => {}
                    _ => refused = Some(error),
                },
            }
        }
    }
    refused.map_or(Ok(()), |error| Err(plain(error)))
}

fn better_hint(before: &Error, after: &Error) -> bool {
    let near =
        |error: &Error| matches!(error, Error::Option { hint, .. } if hint.starts_with("Did"));
    near(after) && !near(before)
}

/// The algorithms that a name may come to mean, the likeliest first.
pub fn candidates(name: &str, task: Task) -> Vec<&str> {
    match (name, task) {
        ("auto", Task::Classification) => vec!["logistic_regression"],
        ("auto", Task::Regression) => vec!["linear_regression", "ridge"],
        (name, _) => vec![name],
    }
}

/// The source, with the search_path that holds for it, and the target; each from the newest version where
/// it is not given.
fn resolve_source(
    arguments: &mut Arguments,
    model: Option<&OwnModel>,
) -> Result<(Source, Option<SettingScope>)> {
    let given = arguments.source.is_some() && arguments.target.is_some();
    let newest = match model {
        Some(model) if arguments.again => Template::serving(model.id)?,
        Some(model) if !given => Template::newest(model.id)?,
        _ => None,
    };
    if arguments.target.is_none() {
        let target = newest.as_ref().map(|newest| newest.target.clone());
        arguments.target = Some(target.ok_or_else(|| null_argument("target"))?);
    }
    if let Some(written) = &arguments.source {
        return Ok((parse::source("source", written)?, None));
    }
    let newest = newest.ok_or_else(|| null_argument("source"))?;
    let recipe = newest.recipe(&arguments.model);
    let path = identity::search_path(recipe.search_path())?;
    let source = recipe.source()?;
    arguments.source = Some(source.written.clone());
    Ok((source, Some(path)))
}

fn null_argument(name: &str) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
        format!("argument {name} of train must not be NULL"),
    )
    .hint("It may be left out only where the model has a version already.")
}

fn weight_column(
    arguments: &Arguments,
    columns: &[SourceColumn],
    target: usize,
) -> Result<Option<usize>> {
    let Some(name) = &arguments.weight else {
        return Ok(None);
    };
    let place = columns::find_readable(columns, name, "weight")?;
    if place == target {
        return Err(Failure::parameter(format!(
            "weight: column \"{name}\" is the target"
        )));
    }
    match columns[place].kind {
        Some(ValueKind::Cell(kind)) if kind != CellKind::Bool => Ok(Some(place)),
        _ => Err(Failure::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!(
                "weight: column \"{name}\" is of type {}, which is no number",
                columns[place].sql_type
            ),
        )),
    }
}

/// Columns that are no inputs of themselves.
fn reserved(
    target: usize,
    weight: Option<usize>,
    method: Method,
    key: &SplitKey,
) -> Reserved<'static> {
    let mut reserved = Reserved {
        taken: vec![(target, "target")],
        left_out: Vec::new(),
    };
    reserved.taken.extend(weight.map(|place| (place, "weight")));
    if key.explicit {
        let part = match method {
            Method::Group => "it is the group of the split",
            Method::Time => "it is the time of the split",
            Method::Column => "it is the column of the split",
            _ => "it is the key of the split",
        };
        let parts = key.places.iter().map(|place| (*place, part));
        reserved.left_out.extend(parts);
    }
    let primary = key.identifier.map(|place| (place, "it is the primary key"));
    reserved.left_out.extend(primary);
    reserved
}

fn options(arguments: &Arguments, columns: &[SourceColumn], inputs: &[usize]) -> Result<Options> {
    let names: Vec<String> = inputs
        .iter()
        .map(|place| columns[*place].name.clone())
        .collect();
    let mut options = Options::parse(&arguments.preprocess, &names).map_err(plain)?;
    if let Some(features) = &arguments.features {
        options.insist(features);
    }
    Ok(options)
}

fn plain(error: Error) -> Failure {
    Failure::from_core(error, &|_| String::new())
}

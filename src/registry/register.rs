//! `register_model`: a MADlib-style model table becomes a version.

use super::model_table::{Method, ModelTable};
use super::publish::{self, NewVersion, publish};
use crate::pg::error::{Failure, Result};
use crate::pg::parse::{self, excerpt};
use crate::pg::rows::{self, SourceColumn};
use crate::pg::terms::{Term, Terms, terms};
use pglearn_core::pipeline::{
    Encoder, Encoding, Input, InputKind, LabelKind, Linear, Link, Pipeline, Predictor, Target,
    TargetKind,
};
use pgrx::pg_sys::Oid;
use serde_json::json;

/// Seed of a model that is registered before it is trained: the default of `train`.
const SEED: i64 = 42;

/// What an input is called where the summary names none.
const ARRAY_NAME: &str = "x";

/// Registers a model table under a name and gives the number of the new version.
///
/// # Errors
/// Those of [`ModelTable::read`] and [`publish`]; 22023 where the parts of the table do not fit together.
pub fn register(model: &str, relation: Oid) -> Result<i32> {
    publish::check(model)?;
    let table = ModelTable::read(relation)?;
    let source = source_columns(&table);
    let design = Design::new(&table, &source)?;
    let target = target(&table, &source)?;
    let pipeline = Pipeline {
        algorithm: match table.method {
            Method::Logistic => "logistic_regression".to_owned(),
            Method::Linear => "linear_regression".to_owned(),
        },
        encoders: design.encoders(),
        // Where the rows lay is not known: explanations start from zero.
        means: vec![0.0; design.coefficients.len()],
        predictor: Predictor::Linear(Linear {
            link: match table.method {
                Method::Logistic => Link::Logistic,
                Method::Linear => Link::Identity,
            },
            intercepts: vec![design.intercept],
            coefficients: design.coefficients.clone(),
            std_err: design.std_err.clone(),
        }),
        inputs: design.inputs,
        target,
    };
    let artifact = pipeline
        .encode()
        .map_err(|e| Failure::from_core(e, &|_| String::new()))?;
    let signature: Vec<String> = pipeline.inputs.iter().map(publish::signature).collect();
    let (task, classes) = match &pipeline.target.kind {
        TargetKind::Number => ("regression", None),
        TargetKind::Classes { classes, .. } => ("classification", Some(classes.as_slice())),
    };
    let published = publish(&NewVersion {
        model,
        seed: publish::check(model)?.map_or(SEED, |known| known.seed),
        split_key: None,
        tags: &json!({}),
        algorithm: &pipeline.algorithm,
        task,
        target: &pipeline.target.name,
        classes,
        signature: &signature,
        hyperparams: &json!({}),
        metric: None,
        metrics: &json!({}),
        source: None,
        recipe: &json!({"registered": {
            "model_table": table.name,
            "source_table": table.source,
            "dependent_varname": table.dependent,
            "independent_varname": table.independent,
        }}),
        training: &json!({"rows": {"training": table.rows}}),
        warnings: &[],
        artifact: &artifact,
        holdout: None,
    })?;
    Ok(published.version)
}

/// The columns of the relation that it was trained on, where that name still means one: they say which
/// types the inputs have. Nothing depends on it but that.
fn source_columns(table: &ModelTable) -> Vec<SourceColumn> {
    let Some(written) = &table.source else {
        return Vec::new();
    };
    let plain = |c: char| c.is_alphanumeric() || "_.".contains(c);
    if !written.chars().all(plain) || written.is_empty() {
        return Vec::new();
    }
    let source = parse::source("source_table", written);
    source
        .and_then(|source| rows::describe(&source))
        .unwrap_or_default()
}

/// The inputs and what they weigh.
struct Design {
    inputs: Vec<Input>,
    intercept: f64,
    coefficients: Vec<f64>,
    std_err: Vec<f64>,
}

impl Design {
    fn new(table: &ModelTable, source: &[SourceColumn]) -> Result<Self> {
        match terms("independent_varname", &table.independent)? {
            Terms::Elements(elements) => {
                let (intercept, own) = split(table, Some(elements.len()))?;
                match columns(&elements) {
                    Some(places) => {
                        Self::of_columns(table, source, &elements, &places, intercept, own)
                    }
                    None => Ok(Self::of_array(table, source, ARRAY_NAME, intercept, own)),
                }
            }
            Terms::Whole(term) => {
                let (intercept, own) = split(table, None)?;
                let name = match &term {
                    Term::Column(name) => name,
                    _ => ARRAY_NAME,
                };
                Ok(Self::of_array(table, source, name, intercept, own))
            }
        }
    }

    /// One input an element that is a column; constants go into the intercept.
    fn of_columns(
        table: &ModelTable,
        source: &[SourceColumn],
        elements: &[Term],
        places: &[usize],
        mut intercept: f64,
        own: usize,
    ) -> Result<Self> {
        let mut inputs = Vec::with_capacity(places.len());
        // Of the intercept, then of each column. That of a sum of estimates needs more than those of its parts.
        let mut errors = vec![error_of(table, own.checked_sub(1))];
        let mut coefficients = Vec::with_capacity(places.len());
        let mut parts = own;
        for (place, element) in elements.iter().enumerate() {
            let weight = table.coef[own + place];
            match element {
                Term::Column(name) => {
                    inputs.push(input(name, source, None));
                    coefficients.push(weight);
                    errors.push(error_of(table, Some(own + place)));
                }
                Term::Constant(value) => {
                    intercept += weight * value;
                    parts += 1;
                    errors[0] = match parts {
                        1 => error_of(table, Some(own + place)) * value.abs(),
                        _ => f64::NAN,
                    };
                }
                Term::Other => return Err(Failure::internal("a term that is no column")),
            }
        }
        if !intercept.is_finite() {
            return Err(Failure::parameter(format!(
                "the intercept of {} is no finite number",
                table.name
            )));
        }
        let std_err = if table.std_err.is_empty() {
            Vec::new()
        } else {
            errors
        };
        Ok(Self {
            inputs,
            intercept,
            coefficients,
            std_err,
        })
    }

    /// One input that is an array of all of them.
    fn of_array(
        table: &ModelTable,
        source: &[SourceColumn],
        name: &str,
        intercept: f64,
        own: usize,
    ) -> Self {
        let coefficients = table.coef[own..].to_vec();
        let length = u32::try_from(coefficients.len()).unwrap_or(u32::MAX);
        let mut std_err = Vec::new();
        if !table.std_err.is_empty() {
            std_err.push(error_of(table, own.checked_sub(1)));
            std_err.extend_from_slice(&table.std_err[own..]);
        }
        Self {
            inputs: vec![input(name, source, Some(length))],
            intercept,
            coefficients,
            std_err,
        }
    }

    /// Values as they are; a missing one makes the prediction NULL, as in `logregr_predict`.
    fn encoders(&self) -> Vec<Encoder> {
        let slots = self
            .inputs
            .iter()
            .flat_map(|input| (0..input.slots()).map(|slot| input.slot_name(slot)));
        let number = |slot| Encoder {
            slot,
            encoding: Encoding::Number {
                center: 0.0,
                scale: 1.0,
                impute: 0.0,
            },
            indicator: false,
            refuse_missing: true,
        };
        slots.map(number).collect()
    }
}

fn error_of(table: &ModelTable, place: Option<usize>) -> f64 {
    let error = place.and_then(|place| table.std_err.get(place));
    error.copied().unwrap_or(f64::NAN)
}

/// The intercept that the trainer added, and how many of the coefficients are its own (0 or 1).
/// `features` are those of an `ARRAY[…]`, `None` where one column gives them all.
fn split(table: &ModelTable, features: Option<usize>) -> Result<(f64, usize)> {
    let (len, stored) = (table.coef.len(), table.intercept.unwrap_or(0.0));
    let doubled = match features {
        Some(features) if len == features => false,
        Some(features) if len == features + 1 => true,
        Some(features) => {
            return Err(Failure::parameter(format!(
                "{} has {len} coefficients for {features} independent variables",
                table.name
            ))
            .detail(format!("They are {}.", excerpt(&table.independent))));
        }
        None => table
            .intercept_added
            .unwrap_or(stored != 0.0 && stored == table.coef[0]),
    };
    if !stored.is_finite() || doubled && table.intercept != Some(table.coef[0]) {
        return Err(Failure::parameter(format!(
            "intercept and coef[1] of {} differ",
            table.name
        ))
        .detail("With one coefficient more than independent variables, the first one is the intercept, which column intercept repeats."));
    }
    if doubled && len == 1 {
        return Err(Failure::parameter(format!(
            "{} has an intercept and nothing else",
            table.name
        )));
    }
    Ok(if doubled {
        (table.coef[0], 1)
    } else {
        (stored, 0)
    })
}

/// The places of the columns, where all elements are columns, each once, and constants.
fn columns(elements: &[Term]) -> Option<Vec<usize>> {
    let mut seen = std::collections::HashSet::new();
    let mut places = Vec::new();
    for (place, element) in elements.iter().enumerate() {
        match element {
            Term::Column(name) if seen.insert(name) => places.push(place),
            Term::Constant(_) => {}
            _ => return None,
        }
    }
    (!places.is_empty()).then_some(places)
}

/// An input of the type that the source says, where that is one for numbers.
fn input(name: &str, source: &[SourceColumn], length: Option<u32>) -> Input {
    let column = source.iter().find(|column| column.name == name);
    let known = column.and_then(|column| match length {
        None => {
            let kind = column.kind?.input_kind();
            let number = matches!(kind, InputKind::Number | InputKind::Boolean);
            number.then(|| (column.sql_type.clone(), kind))
        }
        Some(_) => {
            column.element?;
            Some((column.sql_type.clone(), InputKind::Number))
        }
    });
    let (sql_type, kind) = known.unwrap_or_else(|| {
        let sql_type = if length.is_some() {
            "double precision[]"
        } else {
            "double precision"
        };
        (sql_type.to_owned(), InputKind::Number)
    });
    Input {
        name: name.to_owned(),
        sql_type,
        kind,
        length,
    }
}

fn target(table: &ModelTable, source: &[SourceColumn]) -> Result<Target> {
    let name = match terms("dependent_varname", &table.dependent)? {
        Terms::Whole(Term::Column(name)) => name,
        _ => excerpt(&table.dependent).into_owned(),
    };
    let declared = source.iter().find(|column| column.name == name);
    let declared = declared.map(|column| column.sql_type.clone());
    if table.method == Method::Linear {
        return Ok(Target {
            name,
            sql_type: declared.unwrap_or_else(|| "double precision".to_owned()),
            kind: TargetKind::Number,
        });
    }
    let (label, classes) = labels(table)?;
    let sql_type = declared.unwrap_or_else(|| {
        match label {
            LabelKind::Boolean => "boolean",
            LabelKind::Number => "double precision",
            LabelKind::Text => "text",
        }
        .to_owned()
    });
    Ok(Target {
        name,
        sql_type,
        kind: TargetKind::Classes { label, classes },
    })
}

/// The classes that the summary names; MADlib's does not: there they are booleans.
fn labels(table: &ModelTable) -> Result<(LabelKind, Vec<String>)> {
    let booleans = ["false".to_owned(), "true".to_owned()];
    let Some(classes) = &table.classes else {
        return Ok((LabelKind::Boolean, booleans.to_vec()));
    };
    let [negative, positive] = classes.as_slice() else {
        return Err(Failure::parameter(format!(
            "{} knows {} class(es) where two are needed",
            table.name,
            classes.len()
        )));
    };
    if negative == positive {
        return Err(Failure::parameter(format!(
            "the classes of {} are one and the same",
            table.name
        )));
    }
    let is_boolean = |class: &str, words: [&str; 2]| words.contains(&class);
    if is_boolean(negative, ["false", "f"]) && is_boolean(positive, ["true", "t"]) {
        return Ok((LabelKind::Boolean, booleans.to_vec()));
    }
    let number = |class: &str| class.parse::<f64>().ok().filter(|value| value.is_finite());
    Ok(match (number(negative), number(positive)) {
        (Some(low), Some(high)) if low < high => {
            (LabelKind::Number, vec![low.to_string(), high.to_string()])
        }
        _ => (LabelKind::Text, classes.clone()),
    })
}

//! Which columns of the source are inputs.

use crate::pg::error::{Failure, Result};
use crate::pg::rows::SourceColumn;
use pglearn_core::options::one_of;
use pgrx::PgSqlErrorCode;

/// The place of a named column.
///
/// # Errors
/// 42703 with the nearest names, 42702 where the source has several of that name.
pub fn find(columns: &[SourceColumn], name: &str, argument: &str) -> Result<usize> {
    let mut places = (0..columns.len()).filter(|place| columns[*place].name == name);
    match (places.next(), places.next()) {
        (Some(place), None) => Ok(place),
        (Some(_), Some(_)) => Err(Failure::new(
            PgSqlErrorCode::ERRCODE_AMBIGUOUS_COLUMN,
            format!("{argument}: the source has several columns \"{name}\""),
        )
        .hint("Give them different names: source 'SELECT a.id AS a_id, …'.")),
        (None, _) => {
            let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            let failure = Failure::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
                format!("{argument}: the source has no column \"{name}\""),
            );
            Err(match one_of(name, &known) {
                hint if hint.is_empty() => failure,
                hint => failure.hint(hint),
            })
        }
    }
}

/// The place of a named column that will be read.
///
/// # Errors
/// As [`find`]; 42501 where the current role may not read it.
pub fn find_readable(columns: &[SourceColumn], name: &str, argument: &str) -> Result<usize> {
    let place = find(columns, name, argument)?;
    if columns[place].readable {
        return Ok(place);
    }
    Err(Failure::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("{argument}: permission denied for column \"{name}\" of the source"),
    ))
}

/// What stands in the way of a column as an input, whatever its values.
fn obstacle(columns: &[SourceColumn], place: usize) -> Option<String> {
    let column = &columns[place];
    if columns
        .iter()
        .filter(|other| other.name == column.name)
        .count()
        > 1
    {
        return Some("its name occurs several times".to_owned());
    }
    if !column.readable {
        return Some("no privilege to read it".to_owned());
    }
    if column.kind.is_none() && column.element.is_none() {
        return Some(format!("values of type {} are no input", column.sql_type));
    }
    None
}

/// Columns that have another part to play.
#[derive(Debug, Default)]
pub struct Reserved<'a> {
    /// The target and the weight: never inputs.
    pub taken: Vec<(usize, &'a str)>,
    /// Left out unless `features` names them, with the reason.
    pub left_out: Vec<(usize, &'a str)>,
}

/// The inputs, by their places in the source.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// In the order of the source, or of `features`.
    pub inputs: Vec<usize>,
    /// Column and reason of those a user may wonder about.
    pub left_out: Vec<(String, String)>,
}

/// Chooses the inputs.
///
/// # Errors
/// 42703 and 42702 as [`find`], 42701 for a column named twice, 22023 for the target or the weight among
/// them, 42804 for a named column whose type is no input, 42501 for one that cannot be read.
pub fn choose(
    columns: &[SourceColumn],
    features: Option<&[String]>,
    exclude: &[String],
    reserved: &Reserved<'_>,
) -> Result<Choice> {
    let excluded = places(columns, exclude, "exclude")?;
    match features {
        Some(features) => named(columns, features, &excluded, reserved),
        None => Ok(all(columns, &excluded, reserved)),
    }
}

fn places(columns: &[SourceColumn], names: &[String], argument: &str) -> Result<Vec<usize>> {
    let mut places = Vec::with_capacity(names.len());
    for name in names {
        let place = find(columns, name, argument)?;
        if places.contains(&place) {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_DUPLICATE_COLUMN,
                format!("{argument} names column \"{name}\" twice"),
            ));
        }
        places.push(place);
    }
    Ok(places)
}

fn named(
    columns: &[SourceColumn],
    features: &[String],
    excluded: &[usize],
    reserved: &Reserved<'_>,
) -> Result<Choice> {
    let inputs = places(columns, features, "features")?;
    if inputs.is_empty() {
        return Err(Failure::parameter("features names no column")
            .hint("Leave the argument out to use every column that is fit."));
    }
    for place in &inputs {
        let column = &columns[*place];
        if let Some((_, part)) = reserved.taken.iter().find(|(taken, _)| taken == place) {
            return Err(Failure::parameter(format!(
                "features: column \"{}\" is the {part}",
                column.name
            )));
        }
        if excluded.contains(place) {
            return Err(Failure::parameter(format!(
                "column \"{}\" is both in features and in exclude",
                column.name
            )));
        }
        if let Some(obstacle) = obstacle(columns, *place) {
            let what = format!(
                "features: column \"{}\" cannot be used: {obstacle}",
                column.name
            );
            if !column.readable {
                let code = PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE;
                return Err(Failure::new(code, what));
            }
            return Err(Failure::new(PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH, what)
                .hint("Inputs are numbers, booleans, texts, enums, dates, times, and arrays of numbers; give a SELECT that computes one as the source."));
        }
    }
    Ok(Choice {
        inputs,
        left_out: Vec::new(),
    })
}

fn all(columns: &[SourceColumn], excluded: &[usize], reserved: &Reserved<'_>) -> Choice {
    let mut choice = Choice::default();
    for (place, column) in columns.iter().enumerate() {
        if excluded.contains(&place) || reserved.taken.iter().any(|(taken, _)| *taken == place) {
            continue;
        }
        let part = reserved.left_out.iter().find(|(part, _)| *part == place);
        let reason = part
            .map(|(_, reason)| (*reason).to_owned())
            .or_else(|| obstacle(columns, place));
        match reason {
            None => choice.inputs.push(place),
            Some(reason) => {
                let entry = (column.name.clone(), reason);
                if !choice.left_out.contains(&entry) {
                    choice.left_out.push(entry);
                }
            }
        }
    }
    choice
}

//! Statistics of the rows of one statement, as JSON.
//!
//! By the name of each column: of numbers `mean`, `std` (of a sample; null below two), `min`, `max`,
//! `count`, `nulls`, and where there are any `nan` and `infinite`, which `count` and the rest leave out;
//! of texts, booleans and enums `count`, `nulls`, `categories` (the most frequent 100 by name) and the
//! number of `others`; of dates and times `min`, `max`, `count`, `nulls`, `infinite`; of all others `count` and
//! `nulls`. Beside them `mean`, `std`, `min`, `max` of a column of numbers that is named `value`, unless a
//! column is named so.

use super::columns::{Column, Columns, Form};
use crate::pg::error::Result;
use crate::pg::trigger::StatementTrigger;
use pglearn_core::summary::{Clock, Figures, Moments, Summary, iso_date, iso_timestamp};
use pglearn_core::value::Value;
use std::fmt::Write;

/// Bytes that the names of a statement's categories take together at the most.
const CATEGORY_BYTES: usize = 1 << 18;

/// The column whose figures stand at the top, too.
const VALUE: &str = "value";

/// Reads the rows of a statement; their statistics as a JSON text.
///
/// # Errors
/// XX000 where the columns are not the relation's.
pub fn statistics(trigger: &StatementTrigger, columns: &Columns) -> Result<String> {
    let forms: Vec<_> = columns.columns.iter().map(|column| column.form).collect();
    let mut summaries: Vec<_> = forms.iter().map(|form| Summary::new(form.kind())).collect();
    trigger.each_value(&columns.reads, |number, value| {
        let summary = &mut summaries[number];
        match (value, forms[number]) {
            (None, _) => summary.add_null(),
            (Some(Value::Number(number)), Form::Boolean) => {
                summary.add(Value::Text(if number == 0.0 { "false" } else { "true" }));
            }
            (Some(value), _) => summary.add(value),
        }
    })?;
    Ok(json(&columns.columns, &mut summaries))
}

fn json(columns: &[Column], summaries: &mut [Summary]) -> String {
    let mut out = String::with_capacity(128 * columns.len() + 2);
    let mut bytes = CATEGORY_BYTES;
    out.push('{');
    for (column, summary) in columns.iter().zip(summaries.iter_mut()) {
        separate(&mut out);
        string(&mut out, &column.name);
        out.push_str(":{");
        describe(&mut out, column.form, summary, &mut bytes);
        out.push('}');
    }
    let value = columns.iter().position(|column| column.name == VALUE);
    if let Some(Figures::Numbers(moments)) = value.map(|at| summaries[at].figures()) {
        for (name, figure) in figures(moments) {
            if columns.iter().all(|column| column.name != name) {
                member(&mut out, name, |out| number(out, figure));
            }
        }
    }
    out.push('}');
    out
}

fn describe(out: &mut String, form: Form, summary: &mut Summary, bytes: &mut usize) {
    let (count, nulls) = (summary.count(), summary.nulls());
    match summary.figures() {
        Figures::Numbers(moments) => {
            for (name, figure) in figures(moments) {
                member(out, name, |out| number(out, figure));
            }
            some(out, "nan", moments.nan());
            some(out, "infinite", moments.infinite());
        }
        Figures::Categories(categories) => {
            let (frequent, others) = categories.most_frequent(*bytes);
            member(out, "categories", |out| {
                out.push('{');
                for category in &frequent {
                    *bytes -= category.name.len();
                    separate(out);
                    string(out, category.name);
                    push(out, format_args!(":{}", category.count));
                }
                out.push('}');
            });
            some(out, "others", others);
        }
        Figures::Times(range, infinite) => {
            let text = |time| match form {
                Form::Date => iso_date(time),
                Form::Timestamptz => iso_timestamp(time, Clock::Utc),
                _ => iso_timestamp(time, Clock::Local),
            };
            for (name, time) in [("min", range.map(|r| r.0)), ("max", range.map(|r| r.1))] {
                member(out, name, |out| match time {
                    Some(time) => string(out, &text(time)),
                    None => out.push_str("null"),
                });
            }
            some(out, "infinite", infinite);
        }
        Figures::Anything => {}
    }
    member(out, "count", |out| push(out, format_args!("{count}")));
    member(out, "nulls", |out| push(out, format_args!("{nulls}")));
}

fn figures(moments: &Moments) -> [(&'static str, Option<f64>); 4] {
    [
        ("mean", moments.mean()),
        ("std", moments.std()),
        ("min", moments.min()),
        ("max", moments.max()),
    ]
}

/// A member whose name needs no escapes.
fn member(out: &mut String, name: &str, value: impl FnOnce(&mut String)) {
    separate(out);
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
    value(out);
}

/// A member that is there where it is not 0.
fn some(out: &mut String, name: &str, count: u64) {
    if count > 0 {
        member(out, name, |out| push(out, format_args!("{count}")));
    }
}

fn separate(out: &mut String) {
    if !out.ends_with('{') {
        out.push(',');
    }
}

/// The shortest digits that give the double back.
fn number(out: &mut String, figure: Option<f64>) {
    match figure {
        None => out.push_str("null"),
        Some(0.0) => out.push('0'),
        Some(figure) if (1e-5..1e15).contains(&figure.abs()) => push(out, format_args!("{figure}")),
        Some(figure) => push(out, format_args!("{figure:e}")),
    }
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            '\0'..='\x1f' => push(out, format_args!("\\u{:04x}", character as u32)),
            _ => out.push(character),
        }
    }
    out.push('"');
}

fn push(out: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = out.write_fmt(what);
}

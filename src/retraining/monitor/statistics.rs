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
use crate::pg::jsonb_write::Document;
use crate::pg::table::Cell;
use crate::pg::text::in_server;
use crate::pg::trigger::StatementTrigger;
use pglearn_core::summary::{Clock, Figures, Moments, Summary, iso_date, iso_timestamp};
use pglearn_core::value::Value;
use std::borrow::Cow;

/// Bytes that the names of a statement's categories take together at the most.
const CATEGORY_BYTES: usize = 1 << 18;

/// The column whose figures stand at the top, too.
const VALUE: &str = "value";

/// Members of an object.
type Members<'a> = Vec<(Cow<'a, [u8]>, Document<'a>)>;

/// Reads the rows of a statement; their statistics as `jsonb`.
///
/// # Errors
/// XX000 where the columns are not the relation's.
pub fn statistics(trigger: &StatementTrigger, columns: &Columns) -> Result<Cell> {
    let forms: Vec<_> = columns.columns.iter().map(|column| column.form).collect();
    let summary = |form: &Form| Summary::among(form.kind(), forms.len());
    let mut summaries: Vec<_> = forms.iter().map(summary).collect();
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
    document(&columns.columns, &mut summaries).cell()
}

fn document<'a>(columns: &'a [Column], summaries: &'a mut [Summary]) -> Document<'a> {
    let value = columns.iter().position(|column| column.name == VALUE);
    let mut top = Members::new();
    if let Some(Figures::Numbers(moments)) = value.map(|at| summaries[at].figures()) {
        top.extend(figures(moments));
    }
    let mut bytes = CATEGORY_BYTES;
    let mut members = Members::with_capacity(columns.len() + top.len());
    for (column, summary) in columns.iter().zip(summaries) {
        let description = describe(column.form, summary, &mut bytes);
        members.push((Cow::Borrowed(&column.key), Document::Object(description)));
    }
    // After the columns, the first of which counts where the names are the same.
    members.extend(top);
    Document::Object(members)
}

fn describe<'a>(form: Form, summary: &'a mut Summary, bytes: &mut usize) -> Members<'a> {
    let (count, nulls) = (summary.count(), summary.nulls());
    let mut members = Members::with_capacity(8);
    match summary.figures() {
        Figures::Numbers(moments) => {
            members.extend(figures(moments));
            some(&mut members, "nan", moments.nan());
            some(&mut members, "infinite", moments.infinite());
        }
        Figures::Categories(categories) => {
            let (frequent, others) = categories.most_frequent(*bytes);
            let mut named = Members::with_capacity(frequent.len());
            for category in frequent {
                *bytes -= category.name.len();
                named.push((in_server(category.name), Document::Count(category.count)));
            }
            push(&mut members, "categories", Document::Object(named));
            some(&mut members, "others", others);
        }
        Figures::Times(range, infinite) => {
            let text = |time| match form {
                Form::Date => iso_date(time),
                Form::Timestamptz => iso_timestamp(time, Clock::Utc),
                _ => iso_timestamp(time, Clock::Local),
            };
            let json = |time| Document::Text(Cow::Owned(text(time).into_bytes()));
            let (first, last) = match range {
                None => (Document::Null, Document::Null),
                Some((first, last)) if first == last => {
                    let only = json(first);
                    (only.clone(), only)
                }
                Some((first, last)) => (json(first), json(last)),
            };
            push(&mut members, "min", first);
            push(&mut members, "max", last);
            some(&mut members, "infinite", infinite);
        }
        Figures::Anything => {}
    }
    push(&mut members, "count", Document::Count(count));
    push(&mut members, "nulls", Document::Count(nulls));
    members
}

fn figures(moments: &Moments) -> Members<'static> {
    let figures = [
        ("mean", moments.mean()),
        ("std", moments.std()),
        ("min", moments.min()),
        ("max", moments.max()),
    ];
    let json = |figure: Option<f64>| figure.map_or(Document::Null, Document::Number);
    let member = |(name, figure): (&'static str, _)| (name.as_bytes().into(), json(figure));
    figures.into_iter().map(member).collect()
}

/// A member whose name is plain.
fn push<'a>(members: &mut Members<'a>, name: &'static str, value: Document<'a>) {
    members.push((name.as_bytes().into(), value));
}

/// A member that is there where it is not 0.
fn some(members: &mut Members<'_>, name: &'static str, count: u64) {
    if count > 0 {
        push(members, name, Document::Count(count));
    }
}

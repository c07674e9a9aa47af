//! Pipelines and rows of every kind.

use proptest::prelude::*;
use proptest::sample::select;

use crate::pipeline::*;
use crate::value::Value;

/// Categories among which those of the encoders and of the rows are drawn; some are numbers.
const CATEGORIES: [&str; 16] = [
    "", "a", "A", "b\"; --", "Ü", "-1", "0", "1", "2.5", "1e3", "1000", "inf", "x1", "x2", "x3",
    "x4",
];

/// A value as it may come in a row.
#[derive(Debug, Clone)]
pub enum Cell {
    Missing,
    Number(f64),
    Time(i64),
    Text(&'static str),
}

impl Cell {
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::Missing => Value::Missing,
            Self::Number(number) => Value::Number(*number),
            Self::Time(time) => Value::Time(*time),
            Self::Text(text) => Value::Text(text),
        }
    }
}

fn coefficient() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -10.0..10.0, 1 => Just(0.0), 1 => Just(-0.0), 1 => -1e-300..1e300]
}

fn number_encoding() -> impl Strategy<Value = Encoding> {
    let center = prop_oneof![Just(0.0), -5.0..5.0, Just(1.7e9)];
    let scale = prop_oneof![Just(1.0), 0.1..10.0];
    (center, scale, -5.0..5.0).prop_map(|(center, scale, impute)| Encoding::Number {
        center,
        scale,
        impute,
    })
}

fn one_hot() -> impl Strategy<Value = Encoding> {
    let unknown = select(vec![Unknown::Rare, Unknown::Ignore, Unknown::Refuse]);
    let categories = prop::sample::subsequence(CATEGORIES.to_vec(), 0..16).prop_shuffle();
    let place = any::<prop::sample::Index>;
    (
        categories,
        any::<bool>(),
        unknown,
        place(),
        prop::option::of(place()),
    )
        .prop_map(
            |(categories, rare, unknown, impute, reference)| Encoding::OneHot {
                rare,
                unknown,
                impute: impute.index(categories.len() + 1) as u32,
                reference: reference
                    .filter(|_| !categories.is_empty())
                    .map(|place| place.index(categories.len()) as u32),
                categories: categories.into_iter().map(str::to_owned).collect(),
            },
        )
}

fn time_encoding() -> impl Strategy<Value = Encoding> {
    use TimePart::{Day, DayOfWeek, Hour, Month, Year};
    let parts = prop::sample::subsequence(vec![Year, Month, Day, DayOfWeek, Hour], 1..=5);
    (parts, 0.0..2000.0, 0.5..20.0, any::<i32>()).prop_map(|(parts, center, scale, impute)| {
        let column = |part| TimeColumn {
            part,
            center,
            scale,
        };
        Encoding::Time {
            parts: parts.into_iter().map(column).collect(),
            impute: i64::from(impute) * 1_000_000_000,
        }
    })
}

fn encoding(kind: InputKind) -> BoxedStrategy<Encoding> {
    match kind {
        InputKind::Number | InputKind::Boolean => {
            prop_oneof![6 => number_encoding(), 1 => one_hot(), 1 => Just(Encoding::Ignored)]
                .boxed()
        }
        InputKind::Text => prop_oneof![6 => one_hot(), 1 => Just(Encoding::Ignored)].boxed(),
        _ => time_encoding().boxed(),
    }
}

fn cell(kind: InputKind) -> BoxedStrategy<Cell> {
    let ordinary = match kind {
        InputKind::Number => {
            let seldom = select(vec![
                0.0,
                -0.0,
                1.0,
                2.5,
                1000.0,
                -1.0,
                f64::NAN,
                f64::INFINITY,
            ]);
            prop_oneof![-100.0..100.0, -100.0..100.0, seldom]
                .prop_map(Cell::Number)
                .boxed()
        }
        InputKind::Boolean => any::<bool>()
            .prop_map(|b| Cell::Number(f64::from(u8::from(b))))
            .boxed(),
        InputKind::Text => select(CATEGORIES.to_vec()).prop_map(Cell::Text).boxed(),
        _ => prop_oneof![
            20 => any::<i32>().prop_map(|t| Cell::Time(i64::from(t) * 100_000_000)),
            1 => select(vec![Cell::Time(i64::MIN), Cell::Time(i64::MAX)]),
        ]
        .boxed(),
    };
    let wrong = select(vec![Cell::Text("1"), Cell::Number(1.0), Cell::Time(1)]);
    prop_oneof![50 => ordinary, 5 => Just(Cell::Missing), 1 => wrong].boxed()
}

/// What an input contributes: itself, its encoders, cells of rows.
type Part = (Input, Vec<Encoder>, Vec<Vec<Cell>>);

fn part(
    place: usize,
    kind: InputKind,
    length: Option<u32>,
    rows: usize,
) -> impl Strategy<Value = Part> {
    let slots = length.unwrap_or(1) as usize;
    let encoders = prop::collection::vec((encoding(kind), any::<bool>(), 0..6), slots);
    let cells = prop::collection::vec(prop::collection::vec(cell(kind), slots), rows);
    (encoders, cells).prop_map(move |(encoders, cells)| {
        let input = Input {
            name: format!("c\"{place}"),
            sql_type: "some type".to_owned(),
            kind,
            length,
        };
        let encoders =
            encoders
                .into_iter()
                .enumerate()
                .map(|(slot, (encoding, indicator, refuse))| Encoder {
                    slot: input.slot_name(slot),
                    encoding,
                    indicator,
                    refuse_missing: refuse == 0,
                });
        let encoders = encoders.collect();
        (input, encoders, cells)
    })
}

fn parts(kinds: &'static [InputKind], rows: usize) -> impl Strategy<Value = Vec<Part>> {
    let shape = (select(kinds), prop::option::weighted(0.2, 1_u32..40));
    prop::collection::vec(shape, 1..8).prop_flat_map(move |shapes| {
        let part = |(place, (kind, length)): (usize, (InputKind, Option<u32>))| {
            let array = matches!(kind, InputKind::Number | InputKind::Boolean);
            part(place, kind, length.filter(|_| array), rows)
        };
        shapes.into_iter().enumerate().map(part).collect::<Vec<_>>()
    })
}

fn target() -> impl Strategy<Value = (TargetKind, Link)> {
    let classes = |label, classes: &[&str]| TargetKind::Classes {
        label,
        classes: classes.iter().map(|class| (*class).to_owned()).collect(),
    };
    select(vec![
        (TargetKind::Number, Link::Identity),
        (
            classes(LabelKind::Boolean, &["false", "true"]),
            Link::Logistic,
        ),
        (classes(LabelKind::Text, &["no", "yes"]), Link::Logistic),
        (
            classes(LabelKind::Number, &["-1", "2.5", "30"]),
            Link::Softmax,
        ),
    ])
}

/// A pipeline with rows for it.
pub type Case = (Pipeline, Vec<Vec<Cell>>);

fn cases_of(kinds: &'static [InputKind], rows: usize) -> impl Strategy<Value = Case> {
    (parts(kinds, rows), target()).prop_flat_map(move |(parts, (kind, link))| {
        let mut inputs = vec![];
        let mut encoders = vec![];
        let mut cells = vec![vec![]; rows];
        for (input, part, columns) in parts {
            inputs.push(input);
            encoders.extend(part);
            for (row, columns) in cells.iter_mut().zip(columns) {
                row.extend(columns);
            }
        }
        let features = encoders.iter().map(Encoder::width).sum::<usize>();
        let margins = link.margins(3);
        let errors = if link == Link::Identity {
            features + 1
        } else {
            0
        };
        (
            prop::collection::vec(-5.0..5.0, features),
            prop::collection::vec(coefficient(), margins),
            prop::collection::vec(coefficient(), margins * features),
            prop::collection::vec(prop_oneof![Just(1e300), 0.0..1.0], errors),
        )
            .prop_map(move |(means, intercepts, coefficients, std_err)| {
                let target = Target {
                    name: "y".to_owned(),
                    sql_type: "text".to_owned(),
                    kind: kind.clone(),
                };
                let linear = Linear {
                    link,
                    intercepts,
                    coefficients,
                    std_err,
                };
                let pipeline = Pipeline {
                    algorithm: "ridge".to_owned(),
                    target,
                    inputs: inputs.clone(),
                    encoders: encoders.clone(),
                    means,
                    predictor: Predictor::Linear(linear),
                };
                (pipeline, cells.clone())
            })
    })
}

/// Pipelines with inputs of every kind.
pub fn cases(rows: usize) -> impl Strategy<Value = Case> {
    use InputKind::{Boolean, Date, Number, Text, Timestamp};
    cases_of(
        &[Number, Number, Boolean, Text, Text, Date, Timestamp],
        rows,
    )
}

/// Pipelines with inputs that are numbers only.
pub fn number_cases(rows: usize) -> impl Strategy<Value = Case> {
    cases_of(&[InputKind::Number], rows)
}

//! Encodings by hand.

use serde_json::json;

use super::*;
use crate::Error;
use crate::frame::{Frame, RowSet};
use crate::learners::Wishes;
use crate::monitor::Unattended;
use crate::pipeline::{
    Encoder, Encoding, Input, InputKind, LabelKind, TargetKind, TimePart, Unknown,
};
use crate::value::Value;

mod leaks;
mod shapes;

pub(super) const PENALISED: Wishes = Wishes {
    scale: true,
    reference: false,
};
pub(super) const PLAIN: Wishes = Wishes {
    scale: false,
    reference: true,
};

/// A column for a test: its name, its kind, its cells.
pub(super) type Column<'a> = (&'a str, InputKind, Vec<Value<'a>>);

pub(super) fn numbers<'a>(name: &'a str, cells: &[f64]) -> Column<'a> {
    let cells = cells.iter().map(|cell| Value::Number(*cell)).collect();
    (name, InputKind::Number, cells)
}

pub(super) fn texts<'a>(name: &'a str, cells: &[&'a str]) -> Column<'a> {
    let cell = |text: &&'a str| match *text {
        "" => Value::Missing,
        text => Value::Text(text),
    };
    (name, InputKind::Text, cells.iter().map(cell).collect())
}

/// A table and what describes it.
pub(super) struct Table {
    pub frame: Frame,
    pub inputs: Vec<Input>,
    pub rows: RowSet,
}

pub(super) fn table(columns: &[Column<'_>]) -> Table {
    let described: Vec<_> = columns.iter().map(|c| (c.0.to_owned(), c.1)).collect();
    let mut frame = Frame::new(&described, 1 << 30).unwrap();
    for row in 0..columns[0].2.len() {
        for (slot, column) in columns.iter().enumerate() {
            frame.set(slot, column.2[row]).unwrap();
        }
        frame.commit_row().unwrap();
    }
    let input = |(name, kind): &(String, InputKind)| Input {
        name: name.clone(),
        sql_type: String::new(),
        kind: *kind,
        length: None,
    };
    Table {
        rows: RowSet::full(frame.rows()).unwrap(),
        inputs: described.iter().map(input).collect(),
        frame,
    }
}

impl Table {
    pub fn try_decide(
        &self,
        target: (&TargetKind, &[f64]),
        wishes: Wishes,
        preprocess: serde_json::Value,
    ) -> crate::Result<Decision> {
        let names: Vec<_> = self.inputs.iter().map(|input| input.name.clone()).collect();
        let options = Options::parse(&preprocess, &names)?;
        let (frame, inputs) = (&self.frame, &self.inputs);
        decide(
            frame,
            inputs,
            &self.rows,
            target,
            wishes,
            &options,
            &mut Unattended,
        )
    }

    /// For a target without any pattern.
    pub fn decide(&self, wishes: Wishes, preprocess: serde_json::Value) -> Decision {
        let target: Vec<f64> = (0..self.frame.rows())
            .map(|n| ((n * 7919) % 101) as f64)
            .collect();
        self.try_decide((&TargetKind::Number, &target), wishes, preprocess)
            .unwrap()
    }

    pub fn encoding(&self, wishes: Wishes, preprocess: serde_json::Value) -> Encoder {
        self.decide(wishes, preprocess).encoders.swap_remove(0)
    }

    pub fn reason(&self, preprocess: serde_json::Value) -> String {
        let target = vec![0.0; self.frame.rows()];
        match self.try_decide((&TargetKind::Number, &target), PENALISED, preprocess) {
            Err(Error::Option { problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    }
}

const NAN: f64 = f64::NAN;

#[test]
fn a_number_is_imputed_by_its_median_and_standardised_after_that() {
    // numpy: median 2.5; mean and std of [1, 2, 3, 10, 2.5] are 3.7 and 3.2186953878862163
    let table = table(&[numbers("x", &[1.0, 2.0, NAN, 3.0, 10.0])]);
    let Encoding::Number {
        center,
        scale,
        impute,
    } = table.encoding(PENALISED, json!({})).encoding
    else {
        panic!("a number")
    };
    assert_eq!(impute, 2.5);
    assert!((center - 3.7).abs() < 1e-15 && (scale - 3.218_695_387_886_216).abs() < 1e-15);
    let plain = Encoding::Number {
        center: 0.0,
        scale: 1.0,
        impute: 2.5,
    };
    assert_eq!(table.encoding(PLAIN, json!({})).encoding, plain);
    assert_eq!(
        table
            .encoding(PENALISED, json!({"x": {"scale": "none"}}))
            .encoding,
        plain
    );
    // one of five is missing: more than 5 %
    assert!(table.encoding(PLAIN, json!({})).indicator);
    assert!(
        !table
            .encoding(PLAIN, json!({"x": {"indicator": false}}))
            .indicator
    );
}

#[test]
fn other_imputations() {
    let table = table(&[numbers("x", &[5.0, 5.0, NAN, 1.0, 1.0, 3.0])]);
    let impute = |options| match table.encoding(PLAIN, json!({"x": options})).encoding {
        Encoding::Number { impute, .. } => impute,
        other => panic!("{other:?}"),
    };
    assert_eq!(impute(json!({"impute": "mean"})), 3.0);
    assert_eq!(impute(json!({"impute": "most_frequent"})), 1.0);
    assert_eq!(
        impute(json!({"impute": "constant", "fill_value": -7})),
        -7.0
    );
    assert_eq!(impute(json!({"fill_value": -7.5})), -7.5);
    let decision = table.decide(PLAIN, json!({"x": {"impute": "none"}}));
    assert!(decision.encoders[0].refuse_missing && !decision.encoders[0].indicator);
    assert_eq!(decision.skipped, [("x".to_owned(), 1)]);
    assert!(decision.training.iter().eq([0, 1, 3, 4, 5]));
}

#[test]
fn statistics_look_at_training_rows_only() {
    let mut table = table(&[
        numbers("x", &[1.0, 2.0, 3.0, 1e9]),
        texts("t", &["a", "b", "a", "held out"]),
    ]);
    table.rows.remove(3);
    let decision = table.decide(PENALISED, json!({"t": {"min_frequency": 1}}));
    assert!(matches!(
        decision.encoders[0].encoding,
        Encoding::Number {
            center: 2.0,
            impute: 2.0,
            ..
        }
    ));
    assert_eq!(decision.features(), ["x", "t=a", "t=b"]);
}

#[test]
fn magnitudes_at_the_ends_of_the_doubles() {
    let wanted = |values: &[f64]| match table(&[numbers("x", values)])
        .encoding(PENALISED, json!({}))
        .encoding
    {
        Encoding::Number { center, scale, .. } => (center, scale),
        other => panic!("{other:?}"),
    };
    let (center, scale) = wanted(&[1e308, 1.2e308, 1.4e308, 1.6e308]);
    assert!(
        (center / 1.3e308 - 1.0).abs() < 1e-14
            && (scale / 0.223_606_797_749_978_97e308 - 1.0).abs() < 1e-14
    );
    let (center, scale) = wanted(&[1e-300, 3e-300]);
    assert!((center / 2e-300 - 1.0).abs() < 1e-14 && (scale / 1e-300 - 1.0).abs() < 1e-14);
    let tiny = f64::from_bits(1);
    let (_, scale) = wanted(&[tiny, -tiny]);
    assert!(scale > 0.0 && (1.0 / scale).is_finite());
    let wide = table(&[numbers("x", &[-1.7e308, 1.7e308])]);
    assert!(wide.reason(json!({})).contains("range of a double"));
}

#[test]
fn categories_by_frequency_with_a_bucket() {
    let cells = ["b", "b", "a", "a", "c", "c", "c", "d", "", "e"];
    let table = table(&[texts("t", &cells)]);
    let Encoder {
        encoding,
        indicator,
        ..
    } = table.encoding(PENALISED, json!({}));
    let wanted = |reference| Encoding::OneHot {
        categories: ["c", "a", "b"].map(str::to_owned).to_vec(),
        reference,
        rare: true,
        unknown: Unknown::Rare,
        impute: 0,
    };
    assert_eq!((encoding, indicator), (wanted(None), true));
    assert_eq!(table.encoding(PLAIN, json!({})).encoding, wanted(Some(0)));
    let features = |options| table.decide(PENALISED, json!({"t": options})).features();
    fn with_null<'a>(names: &[&'a str]) -> Vec<&'a str> {
        [names, &["t is null"]].concat()
    }
    assert_eq!(
        features(json!({"max_categories": 3})),
        with_null(&["t=c", "t=a", "t=(rare)"])
    );
    assert_eq!(
        features(json!({"min_frequency": 3})),
        with_null(&["t=c", "t=(rare)"])
    );
    assert_eq!(
        features(json!({"min_frequency": 0.25})),
        with_null(&["t=c", "t=(rare)"])
    );
    let all = with_null(&["t=c", "t=a", "t=b", "t=d", "t=e"]);
    assert_eq!(features(json!({"min_frequency": 1})), all);
    assert_eq!(features(json!({"handle_unknown": "ignore"})), all);
    assert_eq!(
        features(json!({"min_frequency": 1, "max_categories": 5})),
        all
    );
}

#[test]
fn many_categories_and_few_rows_each() {
    // 1,500 categories of 20 rows each; 0.1 % of the rows is 30.
    let words: Vec<String> = (0..30_000).map(|n| (n % 1500).to_string()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let all = table(&[texts("t", &words)]);
    let reason = all.reason(json!({}));
    assert!(
        reason.ends_with("for a category of its own: 30 rows; see min_frequency"),
        "{reason}"
    );
    let width = |options| {
        all.decide(PENALISED, json!({"t": options}))
            .features()
            .len()
    };
    assert_eq!(width(json!({"max_categories": 500})), 500);
    assert_eq!(width(json!({"min_frequency": 20})), 100);
    assert_eq!(
        width(json!({"min_frequency": 20, "max_categories": 2000})),
        1500
    );
    // 10 to 99 in 64 or 65 of 6,000 rows each, 0 to 9 in 4, where 6 are needed.
    let words: Vec<&str> = words[..6000].iter().map(|w| &w[..w.len().min(2)]).collect();
    let two_digits = table(&[texts("t", &words)]);
    assert_eq!(two_digits.decide(PENALISED, json!({})).features().len(), 91);
}

#[test]
fn a_constant_category_for_missing_values() {
    let cells = ["b", "b", "a", "a", "a", "", ""];
    let table = table(&[texts("t", &cells)]);
    let encoding = |options| table.encoding(PENALISED, json!({"t": options})).encoding;
    let one_hot = |names: &[&str], rare, impute| Encoding::OneHot {
        categories: names.iter().map(|name| (*name).to_owned()).collect(),
        reference: None,
        rare,
        unknown: Unknown::Rare,
        impute,
    };
    let fill = |value| json!({"impute": "constant", "fill_value": value});
    assert_eq!(encoding(fill("b")), one_hot(&["b", "a"], false, 0));
    assert_eq!(
        encoding(fill("none")),
        one_hot(&["a", "b", "none"], false, 2)
    );
    // too rare for a column of its own: the bucket's
    let rare = json!({"fill_value": "none", "min_frequency": 3});
    assert_eq!(encoding(rare), one_hot(&["a"], true, 1));
}

#[test]
fn numbers_as_categories() {
    let table = table(&[numbers("n", &[3.0, 3.0, 0.5, 0.5, 0.5, NAN])]);
    let encoder = table.encoding(PLAIN, json!({"n": {"encode": "one_hot"}}));
    assert_eq!(encoder.features(), ["n=3", "n is null"]);
    assert!(matches!(
        encoder.encoding,
        Encoding::OneHot {
            reference: Some(0),
            impute: 0,
            ..
        }
    ));
}

#[test]
fn booleans_stay_zero_and_one() {
    let cells = [1.0, 0.0, 1.0, NAN].map(Value::Number).to_vec();
    let table = table(&[("b", InputKind::Boolean, cells)]);
    let wanted = Encoding::Number {
        center: 0.0,
        scale: 1.0,
        impute: 1.0,
    };
    assert_eq!(table.encoding(PENALISED, json!({})).encoding, wanted);
}

#[test]
fn times_become_the_parts_that_vary() {
    let hour = 3_600_000_000_i64;
    // 2000-01-01 05:00, 2000-01-02 05:00, 2000-02-01 05:00 and one missing, imputed by 2000-01-02 05:00
    let cells = [5, 29, 749].map(|n| Value::Time(n * hour));
    let cells = [&cells[..], &[Value::Missing]].concat();
    let stamps = table(&[("t", InputKind::Timestamp, cells)]);
    let Encoding::Time { parts, impute } = stamps.encoding(PENALISED, json!({})).encoding else {
        panic!("a time")
    };
    assert_eq!(impute, 29 * hour);
    let kinds: Vec<_> = parts.iter().map(|column| column.part).collect();
    assert_eq!(kinds, [TimePart::Month, TimePart::Day, TimePart::DayOfWeek]);
    // days 1, 2, 1, 2; days of the week 6, 7, 2, 7: mean 5.5, deviation sqrt(17 / 4)
    assert_eq!((parts[1].center, parts[1].scale), (1.5, 0.5));
    assert_eq!((parts[2].center, parts[2].scale), (5.5, 4.25_f64.sqrt()));
    let Encoding::Time { parts, .. } = stamps.encoding(PLAIN, json!({})).encoding else {
        panic!("a time")
    };
    assert!(
        parts
            .iter()
            .all(|column| (column.center, column.scale) == (0.0, 1.0))
    );
}

#[test]
fn what_carries_nothing_is_left_out() {
    let reason = |column: Column<'_>| table(&[column]).reason(json!({}));
    assert!(reason(numbers("x", &[4.0; 30])).ends_with("\"x\" is constant in the training rows"));
    assert!(reason(numbers("x", &[NAN; 30])).ends_with("is null in every training row"));
    assert!(reason(texts("x", &["a"; 30])).ends_with("is constant in the training rows"));
    assert!(reason(texts("x", &["a", "b", "c"])).contains("frequent enough"));
    let mut nearly = [4.0; 30];
    nearly[7] = NAN;
    assert!(reason(numbers("x", &nearly)).ends_with("where it is not null"));
    // Absence in a third of the rows may tell something.
    let absent: Vec<f64> = (0..30)
        .map(|n| if n % 3 == 0 { NAN } else { 4.0 })
        .collect();
    let encoder = table(&[numbers("x", &absent)]).encoding(PENALISED, json!({}));
    assert_eq!(
        (encoder.features(), encoder.encoding),
        (vec!["x is null".to_owned()], Encoding::Ignored)
    );
}

#[test]
fn identifiers_are_left_out_unless_asked_for() {
    let sequence: Vec<f64> = (0..40).map(|n| f64::from(n * 3 % 40 + 1000)).collect();
    let names: Vec<String> = (0..40).map(|n| format!("C{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let table = table(&[
        numbers("id", &sequence),
        texts("code", &names),
        // not dense; not whole; one twice
        numbers(
            "income",
            &sequence.iter().map(|n| n * n).collect::<Vec<_>>(),
        ),
        numbers(
            "share",
            &sequence.iter().map(|n| n + 0.5).collect::<Vec<_>>(),
        ),
        numbers(
            "age",
            &sequence.iter().map(|n| n.max(1001.0)).collect::<Vec<_>>(),
        ),
    ]);
    let decision = table.decide(PENALISED, json!({}));
    assert_eq!(decision.kept, [2, 3, 4]);
    assert!(
        decision.left_out[0].1.contains("identifier")
            && decision.left_out[1].1.contains("identifier")
    );
    let insisted = table.decide(
        PENALISED,
        json!({"id": {"encode": "number"}, "code": {"encode": "one_hot", "min_frequency": 1}}),
    );
    assert_eq!(insisted.kept, [0, 1, 2, 3, 4]);
    assert_eq!(insisted.encoders[1].width(), 40);
    // Few rows prove nothing.
    let few = super::tests::table(&[
        numbers("x", &[1.0, 2.0, 3.0, 4.0]),
        texts("t", &["a", "b", "c", "c"]),
    ]);
    assert_eq!(few.decide(PENALISED, json!({})).kept, [0, 1]);
}

#[test]
fn options_are_checked() {
    let table = table(&[
        numbers("age", &[1.0, 2.0]),
        texts("city", &["a", "b"]),
        ("day", InputKind::Date, vec![Value::Time(0), Value::Time(1)]),
    ]);
    let shown = |preprocess| match table.try_decide(
        (&TargetKind::Number, &[1.0, 2.0]),
        PENALISED,
        preprocess,
    ) {
        Err(Error::Option {
            path,
            problem,
            hint,
        }) => format!("{path}: {problem} / {hint}"),
        other => panic!("{other:?}"),
    };
    for (preprocess, wanted) in [
        (
            json!({"agee": {}}),
            "preprocess.agee: unknown column / Did you mean age?",
        ),
        (
            json!({"age": {"impte": "mean"}}),
            "preprocess.age.impte: unknown key / Did you mean impute?",
        ),
        (
            json!({"age": {"impute": "avg"}}),
            "preprocess.age.impute: \"avg\" is not known",
        ),
        (
            json!({"age": {"impute": 3}}),
            "preprocess.age.impute: is 3, expected a string",
        ),
        (
            json!({"age": 3}),
            "preprocess.age: is 3, expected a JSON object",
        ),
        (json!([1]), "preprocess: is [1], expected a JSON object"),
        (
            json!({"age": {"impute": "constant"}}),
            "preprocess.age.fill_value: is missing",
        ),
        (
            json!({"age": {"impute": "mean", "fill_value": 1}}),
            "preprocess.age.fill_value: is 1, expected only with impute",
        ),
        (
            json!({"age": {"fill_value": "x"}}),
            "preprocess.age.fill_value: is a string",
        ),
        (
            json!({"city": {"fill_value": 1}}),
            "preprocess.city.fill_value: is no string",
        ),
        (
            json!({"city": {"impute": "median"}}),
            "preprocess.city.impute: categories have neither",
        ),
        (
            json!({"city": {"encode": "number"}}),
            "preprocess.city.encode: a text is no number",
        ),
        (
            json!({"city": {"scale": "standard"}}),
            "preprocess.city.scale: the columns of categories",
        ),
        (
            json!({"city": {"max_categories": 1}}),
            "preprocess.city.max_categories: is 1, expected a whole number from 2",
        ),
        (
            json!({"city": {"min_frequency": 1.5}}),
            "preprocess.city.min_frequency: is 1.5",
        ),
        (
            json!({"city": {"handle_unknown": "ignore", "min_frequency": 2}}),
            "preprocess.city.handle_unknown: does not go with",
        ),
        (
            json!({"age": {"max_categories": 5}}),
            "preprocess.age.max_categories: is for one-hot encoded columns only / Add",
        ),
        (
            json!({"age": {"impute": "none", "indicator": true}}),
            "preprocess.age.indicator",
        ),
        (
            json!({"day": {"encode": "one_hot"}}),
            "preprocess.day.encode: a time is encoded by its parts",
        ),
        (
            json!({"day": {"fill_value": 1}}),
            "preprocess.day.impute: a time cannot",
        ),
    ] {
        let got = shown(preprocess);
        assert!(got.starts_with(wanted), "{got}");
    }
}

#[test]
fn infinities_are_refused() {
    let mut table = table(&[numbers("x", &[1.0, 2.0])]);
    let (cells, place) = table.frame.cells_mut().unwrap();
    cells[place] = f64::NEG_INFINITY;
    table.frame.commit_row().unwrap();
    table.rows.push(true).unwrap();
    let refused = table.try_decide((&TargetKind::Number, &[0.0; 3]), PENALISED, json!({}));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "column \"x\": contains an infinity"
    );
}

/// A classification with these class numbers.
pub(super) fn classes(count: usize) -> TargetKind {
    TargetKind::Classes {
        label: LabelKind::Text,
        classes: (0..count).map(|n| format!("class {n}")).collect(),
    }
}

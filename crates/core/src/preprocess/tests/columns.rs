//! Which columns and rows are looked at, and which options are refused.

use serde_json::json;

use super::*;

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
    let few = super::table(&[
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
        "column \"x\" contains an infinity"
    );
}

//! The encoding of a column by hand.

use serde_json::json;

use super::*;

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

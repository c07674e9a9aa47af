//! The design, arrays, limits.

use serde_json::json;

use super::*;
use crate::monitor::{Control, Monitor, Progress};

fn draw(n: usize) -> f64 {
    let mixed = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) as f64 / u64::MAX as f64
}

/// All kinds of columns, some with missing values.
fn mixed(rows: usize, order: impl Fn(usize) -> usize) -> Table {
    let words: Vec<String> = (0..37).map(|n| format!("w{n}")).collect();
    let row = |slot: usize, n: usize| -> Value<'_> {
        let u = draw(n * 8 + slot);
        match slot {
            _ if draw(n * 8 + 7 + slot * 1000) < 0.1 => Value::Missing,
            0 => Value::Number(1e6 + u),
            1 => Value::Number((u * 5.0).floor()),
            2 => Value::Number(f64::from(u8::from(u > 0.7))),
            3 => Value::Text(&words[(u * u * 37.0) as usize]),
            _ => Value::Time((u * 1e17) as i64),
        }
    };
    use InputKind::{Boolean, Number, Text, Timestamp};
    let kinds = [
        ("a", Number),
        ("b", Number),
        ("c", Boolean),
        ("d", Text),
        ("e", Timestamp),
    ];
    let column = |(slot, (name, kind)): (usize, &(&'static str, InputKind))| {
        (
            *name,
            *kind,
            (0..rows).map(|n| row(slot, order(n))).collect(),
        )
    };
    let columns: Vec<Column<'_>> = kinds.iter().enumerate().map(column).collect();
    table(&columns)
}

#[test]
fn the_design_is_what_the_encoders_say() {
    let mut table = mixed(3000, |n| n);
    for row in (0..3000).filter(|row| row % 7 == 3 || (512..800).contains(row)) {
        table.rows.remove(row);
    }
    let target: Vec<f64> = (0..3000).map(draw).collect();
    let weights: Vec<f64> = (0..3000).map(|n| draw(n + 9)).collect();
    for (wishes, options) in [
        (PENALISED, json!({})),
        (PLAIN, json!({})),
        (
            PLAIN,
            json!({"b": {"encode": "one_hot", "fill_value": 77}, "d": {"max_categories": 9, "fill_value": "?"}}),
        ),
    ] {
        let decision = table.decide(wishes, options);
        let (slots, encoders) = (&decision.slots, &decision.encoders);
        let width = decision.features().len();
        let (tiles, means) = design(
            &table.frame,
            slots,
            encoders,
            &decision.training,
            &target,
            Some(&weights),
            u64::MAX,
            &mut Unattended,
        )
        .unwrap();
        assert_eq!(
            (tiles.rows(), tiles.columns()),
            (decision.training.count(), width + 2)
        );
        let mut sums = vec![0.0; width];
        for (place, row) in decision.training.iter().enumerate() {
            let span = tiles.spans(place..place + 1).next().unwrap();
            let mut wanted = Vec::new();
            for (slot, encoder) in slots.iter().zip(encoders) {
                let mut columns = vec![0.0; encoder.width()];
                assert!(
                    encoder
                        .encode(table.frame.value(row, *slot), &mut columns)
                        .unwrap()
                );
                wanted.extend(columns);
            }
            sums.iter_mut()
                .zip(&wanted)
                .for_each(|(sum, value)| *sum += value);
            wanted.extend([target[row], weights[row]]);
            for (column, value) in wanted.iter().enumerate() {
                let shift = tiles.shifts()[column];
                assert_eq!(
                    span.column(column)[0],
                    value - shift,
                    "row {row} column {column}"
                );
            }
        }
        for (mean, sum) in means.iter().zip(sums) {
            let want = sum / tiles.rows() as f64;
            assert!(
                (mean - want).abs() <= 1e-13 * want.abs().max(1.0),
                "{mean} {want}"
            );
        }
    }
}

#[test]
fn the_order_of_rows_changes_nothing() {
    let rows = 2003;
    let forth = mixed(rows, |n| n).decide(PENALISED, json!({}));
    let shuffled = mixed(rows, |n| n * 1201 % rows).decide(PENALISED, json!({}));
    assert_eq!(forth.features(), shuffled.features());
    for (a, b) in forth.encoders.iter().zip(&shuffled.encoders) {
        match (&a.encoding, &b.encoding) {
            (
                Encoding::Number {
                    center,
                    scale,
                    impute,
                },
                Encoding::Number {
                    center: c,
                    scale: s,
                    impute: i,
                },
            ) => {
                assert_eq!(impute, i);
                assert!((center / c - 1.0).abs() < 1e-15 || center == c);
                assert!((scale / s - 1.0).abs() < 1e-14);
            }
            (a, b) => assert_eq!(a, b),
        }
    }
}

#[test]
fn medians_of_many_values() {
    // More values than are selected among at once: close together, far apart, few distinct, even and odd.
    for (rows, value) in [
        (200_001, (|n| 7e14 + n as f64) as fn(usize) -> f64),
        (200_000, |n| 7e14 + n as f64),
        (150_000, |n| if n < 75_000 { 1.0 } else { 2.0 }),
        (150_000, |n| f64::from(n as u32 % 3)),
        (140_001, |n| {
            (draw(n) - 0.5) * 10f64.powi((n % 600) as i32 - 300)
        }),
        (131_074, |n| -draw(n)),
    ] {
        let mut values: Vec<f64> = (0..rows).map(|n| value(n * 7 % rows)).collect();
        let table = table(&[numbers("x", &values)]);
        let mut nobody = Unattended;
        let mut work = super::scan::Training::new(&table.frame, &table.rows, &mut nobody);
        let got = super::quantile::median(&mut work, 0, rows).unwrap();
        values.sort_by(f64::total_cmp);
        let wanted = (values[(rows - 1) / 2] + values[rows / 2]) / 2.0;
        assert_eq!(got, wanted, "{rows}");
    }
}

#[test]
fn arrays_keep_their_elements() {
    let mut table = table(&[
        numbers("x[1]", &[1.0; 6]),
        numbers("x[2]", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        numbers("y[1]", &[0.0; 6]),
    ]);
    let array = |name: &str, length| Input {
        name: name.to_owned(),
        sql_type: "double precision[]".to_owned(),
        kind: InputKind::Number,
        length: Some(length),
    };
    table.inputs = vec![array("x", 2), array("y", 1)];
    let decision = table.decide(PENALISED, json!({}));
    assert_eq!(
        (&decision.kept[..], &decision.slots[..]),
        (&[0][..], &[0, 1][..])
    );
    assert_eq!(decision.encoders[0].encoding, Encoding::Ignored);
    assert_eq!(decision.features(), ["x[2]"]);
    let names: Vec<_> = decision
        .left_out
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["x[1]", "y"]);
}

#[test]
fn too_many_features_are_refused_by_name() {
    let words: Vec<String> = (0..18_000).map(|n| format!("w{}", n / 2)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let table = table(&[texts("word", &words)]);
    assert_eq!(
        table
            .decide(PENALISED, json!({"word": {"min_frequency": 1}}))
            .features()
            .len(),
        100
    );
    let all = json!({"word": {"min_frequency": 1, "max_categories": 100_000}});
    let target = vec![0.0; 18_000];
    let refused = table.try_decide((&TargetKind::Number, &target), PENALISED, all);
    let Err(Error::Option { problem, hint, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        problem,
        "9000 encoded features, at most 8192 are possible; the widest columns: \"word\" 9000"
    );
    assert!(
        hint.contains("{\"word\":{\"max_categories\":100}}"),
        "{hint}"
    );
}

/// Stops at the n-th poll.
struct StopAt(u32);

impl Monitor for StopAt {
    fn poll(&mut self, _: Progress) -> Control {
        self.0 = self.0.saturating_sub(1);
        if self.0 == 0 {
            Control::Stop
        } else {
            Control::Continue
        }
    }
}

#[test]
fn both_steps_stop_on_request() {
    let table = mixed(20_000, |n| n);
    let target = vec![0.0; 20_000];
    for polls in [1, 3, 20] {
        let options = Options::default();
        let kind = TargetKind::Number;
        let stopped = decide(
            &table.frame,
            &table.inputs,
            &table.rows,
            (&kind, &target),
            PLAIN,
            &options,
            &mut StopAt(polls),
        );
        assert_eq!(stopped, Err(Error::Stopped));
    }
    let decision = table.decide(PLAIN, json!({}));
    let stopped = design(
        &table.frame,
        &decision.slots,
        &decision.encoders,
        &table.rows,
        &target,
        None,
        u64::MAX,
        &mut StopAt(3),
    );
    assert_eq!(stopped.err(), Some(Error::Stopped));
}

#[test]
fn a_design_that_does_not_fit_is_refused_before() {
    let table = mixed(1000, |n| n);
    let decision = table.decide(PLAIN, json!({}));
    let target = vec![0.0; 1000];
    let refused = design(
        &table.frame,
        &decision.slots,
        &decision.encoders,
        &decision.training,
        &target,
        None,
        1000,
        &mut StopAt(1),
    );
    let needed = design_bytes(1000, decision.features().len(), false);
    assert_eq!(
        refused.err(),
        Some(Error::MemoryLimit {
            needed,
            limit: 1000
        })
    );
}

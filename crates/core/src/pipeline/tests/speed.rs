//! Pipelines of a given size, and how fast they load.

use std::time::{Duration, Instant};

use crate::pipeline::*;

fn pipeline(
    kind: InputKind,
    slots: usize,
    encoding: &Encoding,
    target: TargetKind,
    link: Link,
) -> Pipeline {
    let encoders: Vec<Encoder> = (0..slots)
        .map(|slot| Encoder {
            slot: format!("c{slot}"),
            encoding: encoding.clone(),
            indicator: false,
            refuse_missing: false,
        })
        .collect();
    let input = |encoder: &Encoder| Input {
        name: encoder.slot.clone(),
        sql_type: if kind == InputKind::Text {
            "text"
        } else {
            "integer"
        }
        .to_owned(),
        kind,
        length: None,
    };
    let features: usize = encoders.iter().map(Encoder::width).sum();
    let classes = match &target {
        TargetKind::Number => 0,
        TargetKind::Classes { classes, .. } => classes.len(),
    };
    let margins = link.margins(classes);
    Pipeline {
        algorithm: "ridge".to_owned(),
        target: Target {
            name: "y".to_owned(),
            sql_type: "double precision".to_owned(),
            kind: target,
        },
        inputs: encoders.iter().map(input).collect(),
        encoders,
        means: vec![0.0; features],
        predictor: Predictor::Linear(Linear {
            link,
            intercepts: vec![1.0; margins],
            coefficients: vec![1.0; margins * features],
            std_err: vec![],
        }),
    }
}

/// A regression on numbers; the margin is 1 plus their sum.
pub fn numbers(slots: usize) -> Pipeline {
    let encoding = Encoding::Number {
        center: 0.0,
        scale: 1.0,
        impute: 2.0,
    };
    pipeline(
        InputKind::Number,
        slots,
        &encoding,
        TargetKind::Number,
        Link::Identity,
    )
}

/// A regression on text columns of so many categories each.
pub fn categories(slots: usize, categories: usize) -> Pipeline {
    let encoding = Encoding::OneHot {
        categories: (0..categories)
            .map(|i| format!("category number {i}"))
            .collect(),
        reference: Some(0),
        rare: true,
        unknown: Unknown::Rare,
        impute: 0,
    };
    pipeline(
        InputKind::Text,
        slots,
        &encoding,
        TargetKind::Number,
        Link::Identity,
    )
}

/// A classification of which no input matters.
pub fn ignored(slots: usize, classes: usize) -> Pipeline {
    let classes = (0..classes).map(|class| class.to_string()).collect();
    let target = TargetKind::Classes {
        label: LabelKind::Text,
        classes,
    };
    pipeline(
        InputKind::Number,
        slots,
        &Encoding::Ignored,
        target,
        Link::Softmax,
    )
}

/// The CPU time to load a model of 1,000 one-hot features, with what is behind it.
#[test]
#[ignore = "a measurement: cargo test -p pglearn-core --lib loading -- --ignored --nocapture"]
fn loading_a_model_of_a_thousand_features() {
    for (slots, each) in [(10, 100), (1, 1000), (100, 10)] {
        let bytes = categories(slots, each).encode().unwrap();
        let best = (0..200).map(|_| load(&bytes)).min().unwrap();
        println!(
            "{slots} columns of {each} categories, {} kB: {:.0} us",
            bytes.len() / 1000,
            best.as_secs_f64() * 1e6
        );
        assert!(best < Duration::from_micros(700));
    }
}

fn load(bytes: &[u8]) -> Duration {
    let start = Instant::now();
    let scorer = Scorer::new(&Pipeline::decode(bytes).unwrap()).unwrap();
    let taken = start.elapsed();
    assert_eq!(scorer.outputs(), 1);
    taken
}

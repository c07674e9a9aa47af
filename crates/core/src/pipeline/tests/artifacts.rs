//! The hand-made models of `tests/reference/models.json`, which the SQL suites plant into the registry
//! to have every kind of input, hostile names and coefficients known by heart.

use serde_json::json;

use crate::pipeline::*;

struct Maker {
    pipeline: Pipeline,
}

impl Maker {
    fn new(target: &str, sql_type: &str, kind: TargetKind, link: Link, intercepts: &[f64]) -> Self {
        let linear = Linear {
            link,
            intercepts: intercepts.to_vec(),
            coefficients: vec![],
            std_err: vec![],
        };
        let target = Target {
            name: target.to_owned(),
            sql_type: sql_type.to_owned(),
            kind,
        };
        let algorithm = match link {
            Link::Identity => "ridge",
            _ => "logistic_regression",
        };
        Self {
            pipeline: Pipeline {
                algorithm: algorithm.to_owned(),
                target,
                inputs: vec![],
                encoders: vec![],
                means: vec![],
                predictor: Predictor::Linear(linear),
            },
        }
    }

    /// An input of one slot. `weights`: column after column, one a margin; means are a quarter.
    fn input(
        &mut self,
        name: &str,
        sql_type: &str,
        kind: InputKind,
        encoder: Encoder,
        weights: &[f64],
    ) {
        self.pipeline.inputs.push(Input {
            name: name.to_owned(),
            sql_type: sql_type.to_owned(),
            kind,
            length: None,
        });
        self.encoder(
            Encoder {
                slot: name.to_owned(),
                ..encoder
            },
            weights,
        );
    }

    fn encoder(&mut self, encoder: Encoder, weights: &[f64]) {
        let Predictor::Linear(linear) = &mut self.pipeline.predictor;
        let (margins, width) = (linear.intercepts.len(), encoder.width());
        assert_eq!(weights.len(), margins * width, "{}", encoder.slot);
        let before = self.pipeline.means.len();
        let mut coefficients = vec![];
        for margin in 0..margins {
            coefficients.extend_from_slice(&linear.coefficients[margin * before..][..before]);
            coefficients.extend((0..width).map(|column| weights[column * margins + margin]));
        }
        linear.coefficients = coefficients;
        self.pipeline.means.extend(std::iter::repeat_n(0.25, width));
        self.pipeline.encoders.push(encoder);
    }

    fn hex(&self) -> String {
        let bytes = self.pipeline.encode().unwrap();
        assert_eq!(Pipeline::decode(&bytes).as_ref(), Ok(&self.pipeline));
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn json(&self) -> serde_json::Value {
        let signature: Vec<String> = self
            .pipeline
            .inputs
            .iter()
            .map(|input| format!("{} {}", input.name, input.sql_type))
            .collect();
        let (task, classes) = match &self.pipeline.target.kind {
            TargetKind::Number => ("regression", None),
            TargetKind::Classes { classes, .. } => ("classification", Some(classes)),
        };
        json!({
            "algorithm": self.pipeline.algorithm,
            "task": task,
            "target": self.pipeline.target.name,
            "classes": classes,
            "signature": signature,
            "artifact": self.hex(),
        })
    }
}

fn encoded(encoding: Encoding) -> Encoder {
    Encoder {
        slot: String::new(),
        encoding,
        indicator: false,
        refuse_missing: false,
    }
}

fn number(center: f64, scale: f64, impute: f64) -> Encoder {
    encoded(Encoding::Number {
        center,
        scale,
        impute,
    })
}

fn one_hot(
    categories: &[&str],
    reference: Option<u32>,
    rare: bool,
    unknown: Unknown,
    impute: u32,
) -> Encoder {
    encoded(Encoding::OneHot {
        categories: categories.iter().map(|c| (*c).to_owned()).collect(),
        reference,
        rare,
        unknown,
        impute,
    })
}

fn time(parts: &[(TimePart, f64, f64)], impute: i64) -> Encoder {
    let column = |&(part, center, scale): &(TimePart, f64, f64)| TimeColumn {
        part,
        center,
        scale,
    };
    encoded(Encoding::Time {
        parts: parts.iter().map(column).collect(),
        impute,
    })
}

/// A regression on everything.
fn everything() -> Maker {
    use InputKind::{Boolean, Date, Number, Text, Timestamp};
    use TimePart::{Day, DayOfWeek, Hour, Month, Year};
    let mut m = Maker::new(
        "spend",
        "numeric",
        TargetKind::Number,
        Link::Identity,
        &[100.0],
    );
    let age = Encoder {
        indicator: true,
        ..number(40.0, 12.0, 39.0)
    };
    m.input("age", "integer", Number, age, &[2.5, -7.0]);
    let hostile = ["it's", "{ml}", "back\\slash", "Ünïcode", "$1", ""];
    let text = one_hot(&hostile, Some(1), true, Unknown::Rare, 3);
    m.input(
        "x\"; DROP TABLE t; --",
        "text",
        Text,
        text,
        &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0],
    );
    let mood = one_hot(&["happy", "sad", "gone"], None, false, Unknown::Ignore, 1);
    m.input("Mood", "tests.\"My Mood\"", Text, mood, &[0.5, 0.25, 0.125]);
    let code = one_hot(&["1", "2.5", "-3"], None, true, Unknown::Ignore, 3);
    m.input(
        "code",
        "double precision",
        Number,
        code,
        &[-1.0, -2.0, -4.0, -8.0],
    );
    m.input("vip", "boolean", Boolean, number(0.0, 1.0, 0.0), &[3.0]);
    let flag = one_hot(&["1", "0"], Some(1), false, Unknown::Ignore, 0);
    m.input("flag", "boolean", Boolean, flag, &[-64.0]);
    m.input(
        "tiny",
        "double precision",
        Number,
        number(0.0, 1.0, 2.0),
        &[1e-200],
    );
    m.input("ratio", "real", Number, number(0.5, 0.1, 0.5), &[0.3]);
    m.input(
        "price",
        "numeric(12,2)",
        Number,
        number(0.0, 1.0, 9.99),
        &[-0.01],
    );
    m.input(
        "wait",
        "interval",
        Number,
        number(3600.0, 60.0, 60.0),
        &[0.7],
    );
    m.input(
        "opens",
        "time without time zone",
        Number,
        number(0.0, 3600.0, 0.0),
        &[0.1],
    );
    let signup = Encoder {
        indicator: true,
        ..time(
            &[
                (Year, 2020.0, 2.0),
                (Month, 6.5, 3.5),
                (Day, 15.0, 9.0),
                (DayOfWeek, 4.0, 2.0),
                (Hour, 12.0, 7.0),
            ],
            700_000_000_000_000,
        )
    };
    m.input(
        "signup",
        "timestamp with time zone",
        Timestamp,
        signup,
        &[1.5, -0.5, 0.25, 0.125, -2.0, 5.0],
    );
    m.input(
        "seen",
        "timestamp without time zone",
        Timestamp,
        time(&[(Hour, 0.0, 1.0)], 0),
        &[0.01],
    );
    m.input(
        "born",
        "date",
        Date,
        time(
            &[(Year, 1980.0, 1.0), (Month, 0.0, 1.0)],
            -600_000_000_000_000,
        ),
        &[-0.2, 0.02],
    );
    m.pipeline.inputs.push(Input {
        name: "x".to_owned(),
        sql_type: "real[]".to_owned(),
        kind: Number,
        length: Some(3),
    });
    for (slot, weights) in [(0, &[10.0][..]), (1, &[]), (2, &[-10.0])] {
        let encoder = match slot {
            1 => encoded(Encoding::Ignored),
            _ => number(1.0, 2.0, 1.0),
        };
        let slot = format!("x[{}]", slot + 1);
        m.encoder(Encoder { slot, ..encoder }, weights);
    }
    m
}

fn classes(label: LabelKind, classes: &[&str]) -> TargetKind {
    TargetKind::Classes {
        label,
        classes: classes.iter().map(|class| (*class).to_owned()).collect(),
    }
}

/// Two classes, an unknown category refused, margins beyond what `exp` takes. `turned`: the same with
/// the inputs in another order.
fn churn(turned: bool) -> Maker {
    let kind = classes(LabelKind::Text, &["no", "it's; yes"]);
    let mut m = Maker::new("churned", "text", kind, Link::Logistic, &[0.5]);
    let contract = |m: &mut Maker| {
        let contract = one_hot(&["monthly", "yearly"], None, false, Unknown::Refuse, 0);
        m.input(
            "contract",
            "character varying(20)",
            InputKind::Text,
            contract,
            &[0.75, -0.75],
        );
    };
    if turned {
        contract(&mut m);
    }
    m.input(
        "tenure",
        "integer",
        InputKind::Number,
        number(30.0, 20.0, 29.0),
        &[-1.25],
    );
    m.input(
        "charge",
        "double precision",
        InputKind::Number,
        number(0.0, 1.0, 70.0),
        &[0.04],
    );
    if !turned {
        contract(&mut m);
    }
    m
}

/// Two boolean classes; nothing may be missing.
fn strict() -> Maker {
    let kind = classes(LabelKind::Boolean, &["false", "true"]);
    let mut m = Maker::new("paid", "boolean", kind, Link::Logistic, &[0.0]);
    let refusing = |encoder| Encoder {
        refuse_missing: true,
        ..encoder
    };
    m.input(
        "a",
        "double precision",
        InputKind::Number,
        refusing(number(0.0, 1.0, 0.0)),
        &[2.0],
    );
    m.input(
        "b",
        "smallint",
        InputKind::Number,
        refusing(number(1.0, 1.0, 0.0)),
        &[0.0],
    );
    let text = one_hot(&["u", "v"], None, false, Unknown::Ignore, 0);
    m.input("c", "text", InputKind::Text, refusing(text), &[1.0, -1.0]);
    m
}

/// Three classes that are numbers, inputs named like the results.
fn grade() -> Maker {
    let kind = classes(LabelKind::Number, &["-1", "2.5", "10"]);
    let mut m = Maker::new("grade", "numeric", kind, Link::Softmax, &[0.5, 0.0, -0.5]);
    m.input(
        "prediction",
        "double precision",
        InputKind::Number,
        number(0.0, 1.0, 0.0),
        &[-1.0, 0.0, 1.0],
    );
    let text = one_hot(&["a", "b"], Some(0), false, Unknown::Ignore, 0);
    m.input("Kind", "text", InputKind::Text, text, &[0.0, 2.0, 0.0]);
    m
}

/// A regression on so many numbers.
fn wide(inputs: usize) -> Maker {
    let mut m = Maker::new(
        "y",
        "double precision",
        TargetKind::Number,
        Link::Identity,
        &[0.0],
    );
    for i in 1..=inputs {
        m.input(
            &format!("c{i}"),
            "integer",
            InputKind::Number,
            number(0.0, 1.0, 0.0),
            &[1.0],
        );
    }
    m
}

fn document() -> serde_json::Value {
    json!({
        "provenance": "cargo test -p pglearn-core --lib artifacts -- --ignored",
        "everything": everything().json(),
        "churn": churn(false).json(),
        "churn_turned": churn(true).json(),
        "strict": strict().json(),
        "grade": grade().json(),
        "wide99": wide(99).json(),
        "wide100": wide(100).json(),
        "wide101": wide(101).json(),
    })
}

const PATH: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/reference/models.json"
);

#[test]
#[ignore = "writes the file"]
fn write_artifacts() {
    std::fs::write(PATH, format!("{:#}\n", document())).unwrap();
}

/// Models that were stored once are read for ever, and mean the same.
#[test]
fn artifacts_are_what_they_were() {
    let written: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(PATH).unwrap()).unwrap();
    assert_eq!(written, document());
}

//! A pipeline as JSON, for people.

use serde_json::{Value, json};

use super::{
    Encoder, Encoding, Input, InputKind, LabelKind, Linear, Link, Pipeline, Predictor, TargetKind,
    TimeColumn, Unknown,
};

impl Pipeline {
    /// The view for people; NaN becomes null. Times that stand for missing ones are microseconds
    /// since 2000-01-01 00:00 UTC.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut encoders = self.encoders.iter();
        let inputs = self.inputs.iter().map(|input| {
            let slots = encoders.by_ref().take(input.slots());
            input_view(input, &slots.map(encoder_view).collect::<Vec<_>>())
        });
        let inputs: Vec<Value> = inputs.collect();
        let mut target = json!({ "name": self.target.name, "type": self.target.sql_type });
        if let TargetKind::Classes { label, classes } = &self.target.kind {
            target["labels"] = json!(match label {
                LabelKind::Boolean => "boolean",
                LabelKind::Number => "number",
                LabelKind::Text => "text",
            });
            target["classes"] = json!(classes);
        }
        let Predictor::Linear(linear) = &self.predictor;
        json!({
            "algorithm": self.algorithm,
            "target": target,
            "inputs": inputs,
            "link": match linear.link {
                Link::Identity => "identity",
                Link::Logistic => "logistic",
                Link::Softmax => "softmax",
            },
            "margins": self.margins_view(linear),
        })
    }

    /// One object a margin; of the terms, one a feature.
    fn margins_view(&self, linear: &Linear) -> Vec<Value> {
        let names = self.feature_names();
        let width = names.len();
        let error = |at: usize| {
            linear
                .std_err
                .get(at)
                .copied()
                .map_or(Value::Null, Value::from)
        };
        let margin = |(k, intercept): (usize, &f64)| {
            let coefficients = &linear.coefficients[k * width..][..width];
            let terms = names.iter().zip(coefficients).zip(&self.means).enumerate();
            let terms = terms.map(|(i, ((name, coefficient), mean))| {
                let std_err = error(k * (width + 1) + 1 + i);
                json!({ "feature": name, "coefficient": coefficient, "std_err": std_err, "mean": mean })
            });
            let mut view = json!({
                "intercept": { "coefficient": intercept, "std_err": error(k * (width + 1)) },
                "terms": terms.collect::<Vec<_>>(),
            });
            if let (Link::Softmax, TargetKind::Classes { classes, .. }) =
                (linear.link, &self.target.kind)
            {
                view["class"] = json!(classes.get(k));
            }
            view
        };
        linear.intercepts.iter().enumerate().map(margin).collect()
    }
}

fn input_view(input: &Input, slots: &[Value]) -> Value {
    let kind = match input.kind {
        InputKind::Number => "number",
        InputKind::Boolean => "boolean",
        InputKind::Text => "text",
        InputKind::Date => "date",
        InputKind::Timestamp => "timestamp",
    };
    let mut view = json!({ "name": input.name, "type": input.sql_type, "kind": kind });
    match (input.length, slots) {
        (None, [slot]) => view["encoding"] = slot.clone(),
        _ => view["elements"] = json!(slots),
    }
    view
}

fn encoder_view(encoder: &Encoder) -> Value {
    let mut view = match &encoder.encoding {
        Encoding::Number {
            center,
            scale,
            impute,
        } => json!({ "number": { "center": center, "scale": scale }, "impute": impute }),
        Encoding::OneHot {
            categories,
            reference,
            rare,
            unknown,
            impute,
        } => {
            let name = |place: u32| categories.get(place as usize).map(String::as_str);
            json!({
                "one_hot": {
                    "categories": categories,
                    "reference": reference.and_then(name),
                    "rare": rare,
                    "handle_unknown": match unknown {
                        Unknown::Rare => "infrequent_if_exist",
                        Unknown::Ignore => "ignore",
                        Unknown::Refuse => "error",
                    },
                },
                "impute": name(*impute),
            })
        }
        Encoding::Time { parts, impute } => {
            let part = |column: &TimeColumn| json!({ "part": column.part.name(), "center": column.center, "scale": column.scale });
            json!({ "time": parts.iter().map(part).collect::<Vec<_>>(), "impute": impute })
        }
        Encoding::Ignored => json!({ "ignored": true }),
    };
    if encoder.indicator {
        view["indicator"] = json!(true);
    }
    if encoder.refuse_missing {
        view["impute"] = Value::Null;
    }
    view
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Target;

    #[test]
    fn everything_is_shown() {
        let encoder = |slot: &str, encoding, indicator| Encoder {
            slot: slot.to_owned(),
            encoding,
            indicator,
            refuse_missing: !indicator,
        };
        let input = |name: &str, kind, length| Input {
            name: name.to_owned(),
            sql_type: "some type".to_owned(),
            kind,
            length,
        };
        let one_hot = Encoding::OneHot {
            categories: vec!["a".to_owned(), "b".to_owned()],
            reference: Some(1),
            rare: true,
            unknown: Unknown::Rare,
            impute: 2,
        };
        let number = Encoding::Number {
            center: 1.0,
            scale: 2.0,
            impute: 3.0,
        };
        let pipeline = Pipeline {
            algorithm: "logistic_regression".to_owned(),
            target: Target {
                name: "y".to_owned(),
                sql_type: "boolean".to_owned(),
                kind: TargetKind::Classes {
                    label: LabelKind::Boolean,
                    classes: vec!["false".to_owned(), "true".to_owned()],
                },
            },
            inputs: vec![
                input("t", InputKind::Text, None),
                input("x", InputKind::Number, Some(2)),
            ],
            encoders: vec![
                encoder("t", one_hot, true),
                encoder("x[1]", number, false),
                encoder("x[2]", Encoding::Ignored, false),
            ],
            means: vec![0.25, 0.5, 0.125, 0.0],
            predictor: Predictor::Linear(Linear {
                link: Link::Logistic,
                intercepts: vec![9.0],
                coefficients: vec![1.0, 2.0, 3.0, 4.0],
                std_err: vec![f64::NAN, 0.1, 0.2, 0.3, 0.4],
            }),
        };
        assert!(pipeline.encode().is_ok());
        let term = |feature: &str, coefficient: f64, std_err: f64, mean: f64| json!({ "feature": feature, "coefficient": coefficient, "std_err": std_err, "mean": mean });
        let expected = json!({
            "algorithm": "logistic_regression",
            "target": { "name": "y", "type": "boolean", "labels": "boolean", "classes": ["false", "true"] },
            "inputs": [
                { "name": "t", "type": "some type", "kind": "text", "encoding": {
                    "one_hot": {
                        "categories": ["a", "b"], "reference": "b", "rare": true,
                        "handle_unknown": "infrequent_if_exist",
                    },
                    "impute": null,
                    "indicator": true,
                } },
                { "name": "x", "type": "some type", "kind": "number", "elements": [
                    { "number": { "center": 1.0, "scale": 2.0 }, "impute": null },
                    { "ignored": true, "impute": null },
                ] },
            ],
            "link": "logistic",
            "margins": [{
                "intercept": { "coefficient": 9.0, "std_err": null },
                "terms": [
                    term("t=a", 1.0, 0.1, 0.25),
                    term("t=(rare)", 2.0, 0.2, 0.5),
                    term("t is null", 3.0, 0.3, 0.125),
                    term("x[1]", 4.0, 0.4, 0.0),
                ],
            }],
        });
        assert_eq!(pipeline.to_json(), expected);
    }
}

//! Names and hyper-parameters: what is refused, and in which words.

use pglearn_core::Error;
use pglearn_core::learners::{ALGORITHMS, Setting, Task, algorithm, choose};
use serde_json::{Value, json};

fn refused(name: &str, task: Task, hyperparams: &Value) -> (String, String, String) {
    let classes = if task == Task::Classification { 2 } else { 0 };
    match algorithm(name, task, classes, hyperparams).err() {
        Some(Error::Option {
            path,
            problem,
            hint,
        }) => (path, problem, hint),
        other => panic!("{name} {hyperparams}: {other:?}"),
    }
}

#[test]
fn every_default_is_within_its_range_and_shown() {
    for entry in ALGORITHMS {
        assert!(!entry.doc.is_empty() && !entry.tasks.is_empty());
        for task in entry.tasks {
            let classes = if *task == Task::Classification { 2 } else { 0 };
            let defaults = algorithm(entry.name, *task, classes, &json!({})).unwrap();
            let shown = defaults.hyperparameters();
            assert_eq!(shown.as_object().unwrap().len(), entry.parameters.len());
            for parameter in entry.parameters {
                assert_eq!(shown[parameter.name], Value::from(parameter.default));
                assert!(!parameter.range.to_string().is_empty());
            }
            let again = algorithm(entry.name, *task, classes, &shown).unwrap();
            assert_eq!(again.hyperparameters(), shown, "{}", entry.name);
        }
    }
    let names: Vec<_> = ALGORITHMS.iter().map(|a| a.name).collect();
    assert!(names.is_sorted());
}

#[test]
fn scikit_learns_defaults() {
    let default = |name: &str, key: &str| {
        let entry = ALGORITHMS.iter().find(|a| a.name == name).unwrap();
        entry.parameter(key).unwrap().default
    };
    assert_eq!(default("logistic_regression", "C"), Setting::Number(1.0));
    assert_eq!(
        default("logistic_regression", "penalty"),
        Setting::Word("l2")
    );
    assert_eq!(
        default("logistic_regression", "max_iter"),
        Setting::Whole(100)
    );
    assert_eq!(default("elastic_net", "l1_ratio"), Setting::Number(0.5));
    assert_eq!(default("lasso", "max_iter"), Setting::Whole(1000));
    assert_eq!(default("lasso", "tol"), Setting::Number(1e-4));
    assert_eq!(default("ridge", "alpha"), Setting::Number(1.0));
}

#[test]
fn names_are_refused_with_the_nearest() {
    let cases = [
        (
            "rigde",
            Task::Regression,
            "unknown name \"rigde\"",
            "Did you mean ridge?",
        ),
        (
            "random_forest",
            Task::Classification,
            "random_forest is not available yet",
            "Algorithms for classification: logistic_regression.",
        ),
        (
            "logistic_regression",
            Task::Regression,
            "logistic_regression does not do regression",
            "Algorithms for regression: elastic_net, lasso, linear_regression, ridge.",
        ),
    ];
    for (name, task, problem, hint) in cases {
        let got = refused(name, task, &json!({}));
        assert_eq!(got, ("algorithm".into(), problem.into(), hint.into()));
    }
}

#[test]
fn keys_and_values_are_refused_with_their_names() {
    let cases = [
        (
            "ridge",
            json!({"alhpa": 1}),
            "hyperparams.alhpa: unknown for ridge",
            "Did you mean alpha?",
        ),
        (
            "ridge",
            json!({"solver": "svd"}),
            "hyperparams.solver: unknown for ridge",
            "Leave it out: there is one solver, and it is exact.",
        ),
        (
            "lasso",
            json!({"alpha": -1}),
            "hyperparams.alpha: is -1, expected a number of at least 0, up to 1e300",
            "The default is 1.0.",
        ),
        (
            "lasso",
            json!({"max_iter": 1.5}),
            "hyperparams.max_iter: is 1.5, expected a whole number from 1 to 1000000",
            "The default is 1000.",
        ),
        (
            "elastic_net",
            json!({"l1_ratio": 2}),
            "hyperparams.l1_ratio: is 2, expected a number from 0 to 1",
            "The default is 0.5.",
        ),
        (
            "ridge",
            json!({"fit_intercept": "yes"}),
            "hyperparams.fit_intercept: is \"yes\", expected true or false",
            "The default is true.",
        ),
        (
            "ridge",
            json!([1, 2]),
            "hyperparams: is [1,2], expected a JSON object",
            "For example {\"alpha\": 1.0}.",
        ),
    ];
    for (name, hyperparams, message, hint) in cases {
        let (path, problem, got) = refused(name, Task::Regression, &hyperparams);
        assert_eq!(format!("{path}: {problem}"), message);
        assert_eq!(got, hint);
    }
    let (path, problem, _) = refused(
        "logistic_regression",
        Task::Classification,
        &json!({"penalty": "l1"}),
    );
    assert_eq!(path, "hyperparams.penalty");
    assert_eq!(problem, "is \"l1\", expected \"l2\" or \"none\"");
    let long = json!({"alpha": "x".repeat(1000)});
    assert!(refused("ridge", Task::Regression, &long).1.len() < 200);
}

#[test]
fn other_spellings_of_the_same_value() {
    let shown = |hyperparams: Value| {
        let task = Task::Classification;
        let learner = algorithm("logistic_regression", task, 2, &hyperparams).unwrap();
        learner.hyperparameters()
    };
    assert_eq!(shown(json!({"penalty": null}))["penalty"], "none");
    assert_eq!(shown(json!({"max_iter": 50.0}))["max_iter"], 50);
    assert_eq!(shown(json!({"C": 2}))["C"], 2.0);
    assert_eq!(shown(Value::Null)["C"], 1.0);
}

#[test]
fn the_rule_of_auto() {
    assert_eq!(
        choose(Task::Classification, 2, 10, 1000),
        "logistic_regression"
    );
    assert_eq!(choose(Task::Regression, 0, 1000, 100), "linear_regression");
    assert_eq!(choose(Task::Regression, 0, 999, 100), "ridge");
    assert_eq!(choose(Task::Regression, 0, 5, 0), "linear_regression");
    for (task, classes) in [(Task::Classification, 3), (Task::Regression, 0)] {
        assert!(algorithm(choose(task, classes, 50, 9), task, classes, &json!({})).is_ok());
    }
}

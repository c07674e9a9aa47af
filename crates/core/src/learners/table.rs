//! The table of algorithms: what `train(algorithm => …, hyperparams => …)` takes.

use super::settings::Settings;
use super::{Learner, Task, elastic_net, linear_regression, logistic_regression, ridge};

/// An algorithm that `train()` can use.
#[derive(Debug)]
pub struct Algorithm {
    /// Its name in SQL.
    pub name: &'static str,
    /// The tasks it can do.
    pub tasks: &'static [Task],
    /// One line on what it minimises.
    pub doc: &'static str,
    /// Its hyper-parameters.
    pub parameters: &'static [Hyperparameter],
    /// Makes the learner from checked settings.
    pub(super) build: fn(&Settings) -> Box<dyn Learner>,
}

/// A hyper-parameter, by its scikit-learn name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hyperparameter {
    /// The key in `hyperparams`.
    pub name: &'static str,
    /// What holds where the key is not given.
    pub default: Setting,
    /// What it may be; `Display` gives it in words.
    pub range: Range,
    /// One line on what it does.
    pub doc: &'static str,
}

/// The value of a hyper-parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Setting {
    /// A number.
    Number(f64),
    /// A whole number.
    Whole(u64),
    /// True or false.
    Flag(bool),
    /// One of some words.
    Word(&'static str),
}

/// The values a hyper-parameter may have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    /// A number between two.
    Number {
        /// The least.
        least: f64,
        /// The greatest.
        most: f64,
    },
    /// A whole number between two.
    Whole {
        /// The least.
        least: u64,
        /// The greatest.
        most: u64,
    },
    /// True or false.
    Flag,
    /// One of these words; JSON's null stands for `none` where that is one.
    Word(&'static [&'static str]),
}

impl From<Setting> for serde_json::Value {
    fn from(setting: Setting) -> Self {
        match setting {
            Setting::Number(value) => value.into(),
            Setting::Whole(value) => value.into(),
            Setting::Flag(value) => value.into(),
            Setting::Word(value) => value.into(),
        }
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number { least, most } if *most >= HUGE && *least <= TINY => {
                let least = if *least > 0.0 {
                    "greater than"
                } else {
                    "of at least"
                };
                write!(f, "a number {least} 0, up to {most:e}")
            }
            Self::Number { least, most } => write!(f, "a number from {least} to {most}"),
            Self::Whole { least, most } => write!(f, "a whole number from {least} to {most}"),
            Self::Flag => f.write_str("true or false"),
            Self::Word(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                f.write_str(&quoted.join(" or "))
            }
        }
    }
}

/// The smallest positive strength of a penalty: its inverse is still a double.
const TINY: f64 = 1e-300;
/// The greatest.
const HUGE: f64 = 1e300;

const FIT_INTERCEPT: Hyperparameter = Hyperparameter {
    name: "fit_intercept",
    default: Setting::Flag(true),
    range: Range::Flag,
    doc: "whether the model has a constant; it is never penalised",
};

const ALPHA: Hyperparameter = Hyperparameter {
    name: "alpha",
    default: Setting::Number(1.0),
    range: Range::Number {
        least: 0.0,
        most: HUGE,
    },
    doc: "strength of the penalty; 0 is linear_regression",
};

const SWEEPS: Hyperparameter = Hyperparameter {
    name: "max_iter",
    default: Setting::Whole(1000),
    range: Range::Whole {
        least: 1,
        most: 1_000_000,
    },
    doc: "sweeps over the coefficients at the most",
};

const GAP: Hyperparameter = Hyperparameter {
    name: "tol",
    default: Setting::Number(1e-4),
    range: Range::Number {
        least: 0.0,
        most: 1.0,
    },
    doc: "converged where the duality gap is below tol times the squared norm of the target",
};

/// Every algorithm there is, by name.
pub const ALGORITHMS: &[Algorithm] = &[
    Algorithm {
        name: "elastic_net",
        tasks: &[Task::Regression],
        doc: "squares / (2 rows) + alpha (l1_ratio |b|_1 + (1 - l1_ratio) |b|^2 / 2)",
        parameters: &[
            ALPHA,
            FIT_INTERCEPT,
            Hyperparameter {
                name: "l1_ratio",
                default: Setting::Number(0.5),
                range: Range::Number {
                    least: 0.0,
                    most: 1.0,
                },
                doc: "share of the penalty on absolute values; the rest is on squares",
            },
            SWEEPS,
            GAP,
        ],
        build: elastic_net::build,
    },
    Algorithm {
        name: "lasso",
        tasks: &[Task::Regression],
        doc: "squares / (2 rows) + alpha |b|_1: some coefficients become exactly 0",
        parameters: &[ALPHA, FIT_INTERCEPT, SWEEPS, GAP],
        build: elastic_net::build_lasso,
    },
    Algorithm {
        name: "linear_regression",
        tasks: &[Task::Regression],
        doc: "least squares, with standard errors",
        parameters: &[FIT_INTERCEPT],
        build: linear_regression::build,
    },
    Algorithm {
        name: "logistic_regression",
        tasks: &[Task::Classification],
        doc: "log loss + |b|^2 / (2 C); with three or more classes multinomial",
        parameters: &[
            Hyperparameter {
                name: "C",
                default: Setting::Number(1.0),
                range: Range::Number {
                    least: TINY,
                    most: HUGE,
                },
                doc: "inverse strength of the penalty",
            },
            FIT_INTERCEPT,
            Hyperparameter {
                name: "max_iter",
                default: Setting::Whole(100),
                range: Range::Whole {
                    least: 1,
                    most: 1_000_000,
                },
                doc: "iterations at the most; about 5 are used",
            },
            Hyperparameter {
                name: "penalty",
                default: Setting::Word("l2"),
                range: Range::Word(&["l2", "none"]),
                doc: "l2, or none (two classes then have standard errors)",
            },
            Hyperparameter {
                name: "tol",
                default: Setting::Number(1e-4),
                range: Range::Number {
                    least: 0.0,
                    most: 1.0,
                },
                doc: "what the objective may still gain where max_iter ends the search; else it goes on to about 1e-10 standard errors",
            },
        ],
        build: logistic_regression::build,
    },
    Algorithm {
        name: "ridge",
        tasks: &[Task::Regression],
        doc: "squares + alpha |b|^2",
        parameters: &[ALPHA, FIT_INTERCEPT],
        build: ridge::build,
    },
];

/// Names that are planned for `train()`: they get a better answer than a misspelling.
pub(super) const PLANNED: &[&str] = &[
    "ada_boost",
    "decision_tree",
    "extra_trees",
    "gradient_boosting",
    "kmeans",
    "knn",
    "mlp",
    "naive_bayes",
    "pca",
    "random_forest",
    "svm",
];

/// Parameters of scikit-learn that have no counterpart here, and why.
pub(super) const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("class_weight", "it is an argument of train() itself"),
    ("copy_X", "the rows are never changed"),
    ("dual", "there is one solver, and it is exact"),
    ("intercept_scaling", "the intercept is not penalised"),
    (
        "multi_class",
        "three or more classes are always multinomial",
    ),
    (
        "n_jobs",
        "the result does not depend on threads: see pglearn.max_threads",
    ),
    ("normalize", "scaling is decided in the argument preprocess"),
    ("precompute", "there is one solver, and it is exact"),
    (
        "random_state",
        "nothing is random here; the split has the argument seed",
    ),
    ("selection", "the solution does not depend on it"),
    ("solver", "there is one solver, and it is exact"),
    ("verbose", "progress is shown by the server"),
    ("warm_start", "every training starts afresh"),
];

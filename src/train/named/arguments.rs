//! The arguments of `train` as they came, and as a recipe keeps them.

use crate::pg::error::{Failure, Result};
use serde_json::{Value as Json, json};

/// The arguments of `train`, defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Arguments {
    /// Name of the model.
    pub model: String,
    /// Whether it repeats the version that serves: what is `None` is taken from that one.
    pub again: bool,
    /// Relation or SELECT; that of the newest version if `None`.
    pub source: Option<String>,
    /// Column to predict; that of the newest version if `None`.
    pub target: Option<String>,
    /// `classification` or `regression`; inferred if `None`.
    pub task: Option<String>,
    /// Name of the algorithm, or `auto`.
    pub algorithm: String,
    /// The input columns; chosen if `None`.
    pub features: Option<Vec<String>>,
    /// Columns that are not to be used.
    pub exclude: Vec<String>,
    /// By scikit-learn names.
    pub hyperparams: Json,
    /// By column.
    pub preprocess: Json,
    /// How rows are held out.
    pub split: Json,
    /// What compares versions.
    pub metric: Option<String>,
    /// `balanced`, or weights by class as JSON.
    pub class_weight: Option<String>,
    /// Column of weights.
    pub weight: Option<String>,
    /// Alias that the new version should get.
    pub alias: Option<String>,
    /// On which conditions.
    pub gate: Option<Json>,
    /// Seed of the split, if the model is new.
    pub seed: i64,
    /// For the users of the model.
    pub tags: Json,
}

impl Arguments {
    /// The part that a recipe keeps: what decides on the model, not where it goes.
    pub fn to_recipe(&self) -> Json {
        json!({
            "source": self.source,
            "target": self.target,
            "task": self.task,
            "algorithm": self.algorithm,
            "features": self.features,
            "exclude": self.exclude,
            "hyperparams": self.hyperparams,
            "preprocess": self.preprocess,
            "split": self.split,
            "metric": self.metric,
            "class_weight": self.class_weight,
            "weight": self.weight,
            "seed": self.seed,
        })
    }

    /// All of them: what a job keeps.
    pub fn to_json(&self) -> Json {
        let mut arguments = self.to_recipe();
        arguments["alias"] = json!(self.alias);
        arguments["gate"] = json!(self.gate);
        arguments["tags"] = json!(self.tags);
        arguments
    }

    /// The arguments that a job keeps under `arguments`.
    ///
    /// # Errors
    /// XX001 for what are none.
    pub fn from_job(model: &str, payload: &Json) -> Result<Self> {
        let mut arguments = Self::from_recipe(model, payload)?;
        let kept = &payload["arguments"];
        arguments.alias = kept["alias"].as_str().map(str::to_owned);
        arguments.gate = Some(&kept["gate"]).filter(|gate| !gate.is_null()).cloned();
        arguments.tags = kept["tags"].clone();
        Ok(arguments)
    }

    /// Uses the columns that a version was trained with, and no others: where they had been chosen, a
    /// column that was added since would make a version that cannot take the other's place.
    pub fn keep_inputs(&mut self, recipe: &Json) {
        let Some(inputs) = recipe["inputs"].as_array() else {
            return;
        };
        let inputs: Vec<String> = inputs
            .iter()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect();
        if let Some(columns) = self.preprocess.as_object_mut() {
            columns.retain(|column, _| inputs.contains(column));
        }
        self.exclude.clear();
        self.features = Some(inputs);
    }

    /// The arguments of a stored recipe.
    ///
    /// # Errors
    /// 55000 for a version that was registered, XX001 for what is none.
    pub fn from_recipe(model: &str, recipe: &Json) -> Result<Self> {
        if recipe.get("registered").is_some() {
            return Err(Failure::new(
                pgrx::PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("the version of model \"{model}\" that serves was not trained here"),
            )
            .detail("It was registered from a model table: how to train it again is not known.")
            .hint("Train it with a source and a target."));
        }
        let arguments = recipe
            .get("arguments")
            .filter(|arguments| arguments.is_object())
            .ok_or_else(|| not_a_recipe(model))?;
        let text = |key: &str| arguments[key].as_str().map(str::to_owned);
        let names = |key: &str| -> Option<Vec<String>> {
            let list = arguments[key].as_array()?;
            Some(
                list.iter()
                    .filter_map(Json::as_str)
                    .map(str::to_owned)
                    .collect(),
            )
        };
        Ok(Self {
            model: model.to_owned(),
            again: false,
            source: text("source"),
            target: text("target"),
            task: text("task"),
            algorithm: text("algorithm").ok_or_else(|| not_a_recipe(model))?,
            features: names("features"),
            exclude: names("exclude").unwrap_or_default(),
            hyperparams: arguments["hyperparams"].clone(),
            preprocess: arguments["preprocess"].clone(),
            split: arguments["split"].clone(),
            metric: text("metric"),
            class_weight: text("class_weight"),
            weight: text("weight"),
            alias: None,
            gate: None,
            seed: arguments["seed"].as_i64().unwrap_or_default(),
            tags: json!({}),
        })
    }
}

fn not_a_recipe(model: &str) -> Failure {
    Failure::new(
        pgrx::PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
        format!("the recipe of model \"{model}\" cannot be read"),
    )
    .hint("Train it with a source and a target.")
}

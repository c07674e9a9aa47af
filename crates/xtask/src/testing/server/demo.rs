//! What `cargo xtask demo` shows.

use super::expect;
use crate::cluster::Cluster;
use crate::demo;
use crate::error::{Result, fail};

/// The demo runs to its end, and shows the model and its quality, the event, the promotion and both scores.
pub fn tells_its_story(cluster: &Cluster) -> Result<()> {
    let mut told = Vec::new();
    demo::tell(cluster, "demo", &mut told)?;
    let told = String::from_utf8_lossy(&told);
    // tests/reference/wine.json (statsmodels 0.15.0, scikit-learn 1.9.1): coefficient of alcohol
    // 0.753339, area under the curve 0.882172.
    for part in [
        "alcohol              |    0.7533 |",
        " 0.8822\n",
        "false positive rate",
        // 919 of the 1,599 wines have 10 % alcohol or more.
        "retrain_model: {\"table\": \"cellar\", \"schema\": \"public\", \"count\": 919, ",
        "model_promoted: {\"model\": \"rating\", ",
        "promote |            1 |          2 |",
    ] {
        if !told.contains(part) {
            fail!("`{part}` is missing in:\n{told}");
        }
    }
    expect(
        "scored wines",
        &cluster.sql("demo", "SELECT count(probability) FROM wine_scores")?,
        "1599",
    )?;
    expect(
        "the challenger is better, the job done, predictions are other ones",
        &cluster.sql(
            "demo",
            "SELECT (c ->> 'challenger')::float8 < (c ->> 'champion')::float8, state, status, version,
                    (SELECT count(*) > 1500 FROM rated JOIN wine USING (id)
                      WHERE light_wines_only <> round(ml.predict('rating', wine)::numeric, 2))
               FROM ml.jobs, ml.alias_history, jsonb_array_elements(gate -> 'comparisons') AS c",
        )?,
        "t|done|promoted|2|t",
    )
}

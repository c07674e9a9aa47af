//! What `cargo xtask demo` shows.

use super::expect;
use crate::cluster::Cluster;
use crate::demo;
use crate::error::{Result, fail};

/// The demo runs to its end, and shows the model and its quality.
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
    ] {
        if !told.contains(part) {
            fail!("`{part}` is missing in:\n{told}");
        }
    }
    expect(
        "scored wines",
        &cluster.sql("demo", "SELECT count(probability) FROM wine_scores")?,
        "1599",
    )
}

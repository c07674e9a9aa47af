//! What learners say about features, in words.

/// Names in a sentence, the first ten.
pub(super) fn named(features: &[String], columns: &[usize]) -> String {
    const MOST: usize = 10;
    let name = |column: &usize| features.get(*column).map_or("?", String::as_str);
    let shown: Vec<&str> = columns.iter().take(MOST).map(name).collect();
    match columns.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

//! The valid names nearest to a mistyped one.

/// Names longer than this are compared by their beginning: a distance costs the product of lengths.
const LONGEST: usize = 64;

/// At most three of `valid` that `name` is likely to stand for, the likeliest first.
///
/// Likely is a name that differs only in case or in `-` and spaces for `_`, that begins like it, or
/// whose distance (insertions, deletions, replacements and exchanged neighbours: Damerau 1964, in
/// the form of optimal string alignment) is at most a third of its length, and at least 2.
#[must_use]
pub fn nearest<'v>(name: &str, valid: &[&'v str]) -> Vec<&'v str> {
    let wanted = plain(name);
    let mut near: Vec<(usize, &str)> = valid
        .iter()
        .filter_map(|candidate| {
            let known = plain(candidate);
            let distance = distance(&wanted, &known);
            let allowed = (wanted.len().max(known.len()) / 3)
                .max(2)
                .min(known.len().saturating_sub(1));
            let begins =
                wanted.len() >= 3 && (known.starts_with(&wanted) || wanted.starts_with(&known));
            (distance <= allowed || begins).then_some((distance, *candidate))
        })
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

/// A hint for an unknown name: the nearest ones where there are, else all.
#[must_use]
pub fn one_of(name: &str, valid: &[&str]) -> String {
    let near = nearest(name, valid);
    match (near.as_slice(), valid) {
        (_, []) => String::new(),
        ([], _) => format!("Valid names: {}.", valid.join(", ")),
        ([only], _) => format!("Did you mean {only}?"),
        ([all @ .., last], _) => format!("Did you mean {} or {last}?", all.join(", ")),
    }
}

/// Lower case, words joined by `_`.
fn plain(name: &str) -> Vec<char> {
    let unify = |c: char| if c == '-' || c == ' ' { '_' } else { c };
    name.chars()
        .take(LONGEST)
        .flat_map(char::to_lowercase)
        .map(unify)
        .collect()
}

/// Optimal string alignment distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn distances_by_hand() {
        for (a, b, want) in [
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("max_itre", "max_iter", 1),
            ("alpha", "alpha", 0),
            ("ca", "abc", 3),
        ] {
            assert_eq!(distance(&chars(a), &chars(b)), want, "{a} {b}");
            assert_eq!(distance(&chars(b), &chars(a)), want, "{b} {a}");
        }
    }

    #[test]
    fn a_slip_finds_its_name() {
        let valid = ["alpha", "fit_intercept", "l1_ratio", "max_iter", "tol", "C"];
        assert_eq!(nearest("max_itre", &valid), ["max_iter"]);
        assert_eq!(nearest("Fit-Intercept", &valid), ["fit_intercept"]);
        assert_eq!(nearest("tolerance", &valid), ["tol"]);
        assert_eq!(nearest("l1ratio", &valid), ["l1_ratio"]);
        assert!(nearest("n_estimators", &valid).is_empty());
        assert!(nearest("", &valid).is_empty());
    }

    #[test]
    fn hints_as_sentences() {
        assert_eq!(one_of("alhpa", &["alpha", "tol"]), "Did you mean alpha?");
        assert_eq!(one_of("rigde", &["ridge", "lasso"]), "Did you mean ridge?");
        assert_eq!(one_of("xyz", &["alpha", "tol"]), "Valid names: alpha, tol.");
        assert_eq!(one_of("xyz", &[]), "");
    }

    #[test]
    fn endless_names_cost_nothing() {
        assert!(nearest(&"x".repeat(10_000_000), &["alpha"]).is_empty());
    }
}

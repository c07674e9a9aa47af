//! The red wine quality data (Cortez et al., "Modeling wine preferences by data mining from
//! physicochemical properties", Decision Support Systems 47, 2009), as crate `linfa-datasets`
//! carries it: 1,599 wines, 11 measurements and a rating.

use std::fmt::Write;

use linfa_datasets::winequality;

/// How many wines there are.
pub fn rows() -> usize {
    winequality().targets().len()
}

/// The measurements, as column names.
pub fn columns() -> Vec<String> {
    winequality()
        .feature_names()
        .iter()
        .map(|name| name.replace(' ', "_").to_lowercase())
        .collect()
}

/// The measurements, comma separated, a few to a line; all lines but the first are indented.
pub fn wrapped_columns(indent: usize) -> String {
    let lines: Vec<String> = columns().chunks(4).map(|chunk| chunk.join(", ")).collect();
    lines.join(&format!(",\n{:indent$}", ""))
}

/// The table.
pub fn create_table() -> String {
    let measurements: String = columns()
        .iter()
        .map(|name| format!("{name} float8 NOT NULL, "))
        .collect();
    format!(
        "CREATE TABLE wine (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {measurements} quality integer NOT NULL)"
    )
}

/// The command that takes [`csv`].
pub fn copy() -> String {
    format!(
        "COPY wine ({}, quality) FROM STDIN (FORMAT csv, HEADER)",
        columns().join(", ")
    )
}

/// The rows, below a line of column names.
pub fn csv() -> String {
    let data = winequality();
    let mut text = format!("{},quality\n", columns().join(","));
    for (record, quality) in data.records().outer_iter().zip(data.targets()) {
        let values: Vec<String> = record.iter().map(f64::to_string).collect();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{},{quality}", values.join(","));
    }
    text
}

/// A query for the coefficients by name; the intercept comes first if the model has one.
pub fn coefficients() -> String {
    let names: Vec<String> = columns().iter().map(|name| format!("'{name}'")).collect();
    let count = names.len();
    format!(
        "SELECT CASE WHEN cardinality(coef) > {count} THEN 'intercept'::text || names ELSE names END AS names INTO TEMP n
           FROM wine_model, (SELECT ARRAY[{}]) AS given(names);
         SELECT t.name, round(t.coef::numeric, 4) AS coef, round(t.std_err::numeric, 4) AS std_err,
                round(t.z::numeric, 2) AS z, CASE WHEN t.p < 0.0001 THEN '<0.0001' ELSE round(t.p::numeric, 4)::text END AS p
           FROM n, wine_model m, unnest(n.names, m.coef, m.std_err, m.z_stats, m.p_values)
                WITH ORDINALITY AS t(name, coef, std_err, z, p, place) ORDER BY place",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_set_is_whole() {
        // Facts of the published file: 1,599 rows, 217 of them rated 7 or better.
        assert_eq!(rows(), 1599);
        assert_eq!(columns().len(), 11);
        assert_eq!(columns()[8], "ph");
        let text = csv();
        let mut lines = text.lines().skip(1);
        assert_eq!(
            lines.next(),
            Some("7.4,0.7,0,1.9,0.076,11,34,0.9978,3.51,0.56,9.4,5")
        );
        let good = text
            .lines()
            .skip(1)
            .filter(|line| {
                line.rsplit(',')
                    .next()
                    .is_some_and(|quality| quality >= "7")
            })
            .count();
        assert_eq!((text.lines().count(), good), (1600, 217));
    }
}

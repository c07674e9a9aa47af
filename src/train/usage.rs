//! What the training functions say about themselves.

use crate::pg::context::extension_schema;
use crate::pg::error::{Failure, Result};

/// Usage of `logregr_train`.
pub const LOGREGR: &str = "\
logregr_train trains a logistic regression (two classes) and writes two tables.

SELECT logregr_train(
    source_table,         -- text: a table, a view, or a SELECT
    out_table,            -- text: the model table to be made; <out_table>_summary is made as well
    dependent_varname,    -- text: an expression with two distinct values; the greater one is positive
    independent_varname,  -- text: an expression that gives an array: 'ARRAY[age, income]' or 'features'
    grouping_cols,        -- text, NULL: columns; one model for each combination of their values
    max_iter,             -- integer, 20
    optimizer,            -- text, 'irls': irls (also called newton), cg or igd
    tolerance,            -- double precision, 0.0001: what the log-likelihood may still gain
    verbose               -- boolean, false: report each iteration
);

A constant is added where the design has none (setting pglearn.fit_intercept): coef[1] is then the
intercept, repeated in the column intercept. Rows with a NULL are skipped and counted.

Columns of <out_table>: the grouping columns, coef, log_likelihood, std_err, z_stats, p_values,
odds_ratios, condition_no, num_rows_processed, num_missing_rows_skipped, num_iterations,
variance_covariance, intercept.

SELECT logregr_train('example') shows a whole example.";

/// Example of `logregr_train`.
pub const LOGREGR_EXAMPLE: &str = "\
DROP TABLE IF EXISTS pg_temp.example_patients, pg_temp.example_model, pg_temp.example_model_summary;
CREATE TEMP TABLE example_patients (id integer, second_attack integer, treatment integer, trait_anxiety integer);
INSERT INTO example_patients VALUES
    (1, 1, 1, 70), (2, 1, 1, 80), (3, 1, 1, 50), (4, 1, 0, 60), (5, 1, 0, 40), (6, 1, 0, 65),
    (7, 1, 0, 75), (8, 1, 0, 80), (9, 1, 0, 70), (10, 1, 0, 60), (11, 0, 1, 65), (12, 0, 1, 50),
    (13, 0, 1, 45), (14, 0, 1, 35), (15, 0, 1, 40), (16, 0, 1, 50), (17, 0, 0, 55), (18, 0, 0, 45),
    (19, 0, 0, 50), (20, 0, 0, 60);
SELECT logregr_train('example_patients', 'pg_temp.example_model', 'second_attack', 'ARRAY[treatment, trait_anxiety]');
SELECT unnest(coef) AS coef, unnest(std_err) AS std_err, unnest(p_values) AS p FROM example_model;
SELECT id, logregr_predict_prob(coef, ARRAY[treatment, trait_anxiety]) FROM example_patients, example_model;";

/// Usage of `linregr_train`.
pub const LINREGR: &str = "\
linregr_train trains a linear regression by ordinary least squares and writes two tables.

SELECT linregr_train(
    source_table,              -- text: a table, a view, or a SELECT
    out_table,                 -- text: the model table to be made; <out_table>_summary is made as well
    dependent_varname,         -- text: an expression that gives a number
    independent_varname,       -- text: an expression that gives an array; put the constant 1 first
    grouping_cols,             -- text, NULL: columns; one model for each combination of their values
    heteroskedasticity_option  -- boolean, false: adds the Breusch-Pagan test
);

No constant is added: write 'ARRAY[1, age, income]'. Rows with a NULL are skipped and counted.

Columns of <out_table>: the grouping columns, coef, r2, std_err, t_stats, p_values, condition_no,
(bp_stats, bp_p_value,) num_rows_processed, num_missing_rows_skipped, variance_covariance.

SELECT linregr_train('example') shows a whole example.";

/// Example of `linregr_train`.
pub const LINREGR_EXAMPLE: &str = "\
DROP TABLE IF EXISTS pg_temp.example_houses, pg_temp.example_model, pg_temp.example_model_summary;
CREATE TEMP TABLE example_houses (id integer, tax integer, bedroom integer, bath real, price integer, size integer);
INSERT INTO example_houses VALUES
    (1, 590, 2, 1, 50000, 770), (2, 1050, 3, 2, 85000, 1410), (3, 20, 3, 1, 22500, 1060),
    (4, 870, 2, 2, 90000, 1300), (5, 1320, 3, 2, 133000, 1500), (6, 1350, 2, 1, 90500, 820),
    (7, 2790, 3, 2.5, 260000, 2130), (8, 680, 2, 1, 142500, 1170), (9, 1840, 3, 2, 160000, 1500),
    (10, 3680, 4, 2, 240000, 2790);
SELECT linregr_train('example_houses', 'pg_temp.example_model', 'price', 'ARRAY[1, tax, bath, size]');
SELECT unnest(coef) AS coef, unnest(std_err) AS std_err, unnest(p_values) AS p FROM example_model;
SELECT id, linregr_predict(coef, ARRAY[1, tax, bath, size]) FROM example_houses, example_model;";

/// The text on a topic, its functions qualified with the schema in which they are.
///
/// # Errors
/// 22023 for a word that is no topic.
pub fn text(
    function: &str,
    topic: &str,
    usage: &'static str,
    example: &'static str,
) -> Result<String> {
    let text = match topic.trim().to_ascii_lowercase().as_str() {
        "" | "usage" | "help" | "?" => usage,
        "example" | "examples" => example,
        _ => {
            return Err(
                Failure::parameter(format!("{function} knows no topic \"{topic}\""))
                    .hint("The topics are 'usage' and 'example'."),
            );
        }
    };
    let schema = extension_schema();
    let qualified = |text: &str, prefix: &str| text.replace(prefix, &format!("{schema}.{prefix}"));
    Ok(qualified(&qualified(text, "logregr_"), "linregr_"))
}

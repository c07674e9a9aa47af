-- Functions about predictions: explained, and as functions of their own.

CREATE FUNCTION explain_predict(model text, VARIADIC "any")
    RETURNS TABLE(feature text, value text, attribution double precision)
    LANGUAGE c STABLE PARALLEL SAFE ROWS 20
    AS 'MODULE_PATHNAME', 'pglearn_explain_predict';
COMMENT ON FUNCTION explain_predict(text, "any") IS
    'what each value of a row adds to its prediction, against the mean of the training rows: "(base)" is the mean, the sum of all is the prediction of a regression, the log odds of the positive of two classes, the score of the predicted one of more (named beside "(base)"); no rows where the prediction is NULL; times are in UTC; the row as in predict';

COMMENT ON FUNCTION compile(text, text) IS
    'makes a function of plain, immutable SQL arithmetic that computes the prediction of a regression, or the probability of the positive of two classes, without the model: usable in generated columns, CHECK constraints and indexes. Its source, with the coefficients and categories, can be read by every role of the database';

COMMENT ON FUNCTION deploy(text, text) IS
    'makes a function with the inputs of a model as named and typed parameters that returns the prediction in the type of the target and its probability (of the positive of two classes, of the predicted one of more); ''model'' and ''model@alias'' follow what they mean at each call, ''model@3'' does not change';

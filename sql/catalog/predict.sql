-- Per-row predictions from coefficient arrays, as MADlib names them.

CREATE FUNCTION logregr_predict(coef double precision[], col_ind_var double precision[])
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pglearn_logregr_predict';
COMMENT ON FUNCTION logregr_predict(double precision[], double precision[]) IS
    'class predicted by a logistic regression: whether coef · x > 0; coef may have the intercept as an additional first element';

CREATE FUNCTION logregr_predict(coef double precision[], intercept double precision, col_ind_var double precision[])
    RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pglearn_logregr_predict_intercept';
COMMENT ON FUNCTION logregr_predict(double precision[], double precision, double precision[]) IS
    'class 0 or 1 predicted by a logistic regression from the columns coef and intercept of its model table';

CREATE FUNCTION logregr_predict_prob(coef double precision[], col_ind_var double precision[])
    RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pglearn_logregr_predict_prob';
COMMENT ON FUNCTION logregr_predict_prob(double precision[], double precision[]) IS
    'probability of the positive class by a logistic regression; coef may have the intercept as an additional first element';

CREATE FUNCTION logregr_predict_prob(coef double precision[], intercept double precision, col_ind_var double precision[])
    RETURNS numeric
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pglearn_logregr_predict_prob_intercept';
COMMENT ON FUNCTION logregr_predict_prob(double precision[], double precision, double precision[]) IS
    'probability of the positive class, with all digits of the double, from the columns coef and intercept of a model table';

CREATE FUNCTION linregr_predict(coef double precision[], col_ind_var double precision[])
    RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pglearn_linregr_predict';
COMMENT ON FUNCTION linregr_predict(double precision[], double precision[]) IS
    'value predicted by a linear regression: coef · x';

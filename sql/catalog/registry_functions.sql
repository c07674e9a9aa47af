-- The functions that manage named models, and the view by which older applications list them.

COMMENT ON FUNCTION rollback_alias(text, text) IS
    'moves an alias back to the version that it stood for before, repeated calls further back; returns the version that serves again';
COMMENT ON FUNCTION drop_alias(text, text) IS 'removes an alias of a model; its history stays';
COMMENT ON FUNCTION drop_version(text, integer) IS
    'drops a version of a model for which no alias stands; its number is not used again';
COMMENT ON FUNCTION drop_model(text) IS 'drops a model with its versions, aliases and history';
COMMENT ON FUNCTION grant_model(text, regrole) IS
    'lets a role use a model: predict, evaluate and read its rows of the registry';
COMMENT ON FUNCTION revoke_model(text, regrole) IS 'takes back what grant_model gave';
COMMENT ON FUNCTION register_model(text, regclass) IS
    'makes a version of a model table that logregr_train or linregr_train wrote, here or in MADlib; returns its number';
COMMENT ON FUNCTION feature_importance(bytea) IS
    'absolute coefficients of a stored model by feature, the mean over classes; comparable where the numbers were standardised; NULL for what is no model';

-- Operators with their schema: the owner of this one could have made others that fit better (a ->> of two jsonb).
CREATE VIEW ml_models WITH (security_invoker = true) AS
    SELECT v.version_id AS model_id,
           m.name AS model_name,
           v.artifact AS model_binary,
           (v.metrics OPERATOR(pg_catalog.->>) 'accuracy'::pg_catalog.text)::double precision AS accuracy,
           feature_importance(v.artifact) AS feature_importance,
           v.created_at AS created_date,
           v.version OPERATOR(pg_catalog.=) coalesce(
               (SELECT a.version FROM model_aliases AS a WHERE a.model_id OPERATOR(pg_catalog.=) m.model_id AND a.alias OPERATOR(pg_catalog.=) 'champion'),
               (SELECT pg_catalog.max(n.version) FROM model_versions AS n WHERE n.model_id OPERATOR(pg_catalog.=) m.model_id AND n.archived_at IS NULL),
               0) AS is_active
      FROM model_versions AS v
      JOIN models AS m ON m.model_id OPERATOR(pg_catalog.=) v.model_id;
COMMENT ON VIEW ml_models IS 'the versions of all models that one may use, one row each, in the shape of older applications';
COMMENT ON COLUMN ml_models.model_id IS 'number of the version in the database';
COMMENT ON COLUMN ml_models.model_name IS 'name of the model';
COMMENT ON COLUMN ml_models.model_binary IS 'the model itself, in the encoding of pglearn';
COMMENT ON COLUMN ml_models.accuracy IS 'accuracy on the hold-out; NULL for a regression';
COMMENT ON COLUMN ml_models.feature_importance IS 'see the function of that name';
COMMENT ON COLUMN ml_models.created_date IS 'when the training finished';
COMMENT ON COLUMN ml_models.is_active IS 'whether it serves where a reference names no version: it is the champion, or the newest one where there is none';
GRANT SELECT ON ml_models TO PUBLIC;

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

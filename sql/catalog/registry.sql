-- The registry: named models, their immutable versions, the aliases that say which one serves.
--
-- Who may what: everybody may read and write these tables, within what row-level security lets them see:
-- a model belongs to its owner (and to whoever has that role's privileges) and may be used by those it was
-- granted to. The tables belong to the extension's owner, so that a database owner who installed it can dump it.

-- Like regrole and regclass, but they survive a dump: a role or relation that is missing where the dump is
-- restored becomes "-" (nobody, nothing) with a WARNING, instead of failing the restore of the whole table or
-- meaning whoever has its OID there.
CREATE TYPE role_reference;
CREATE FUNCTION role_reference_in(cstring) RETURNS role_reference
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pglearn_role_reference_in';
CREATE FUNCTION role_reference_out(role_reference) RETURNS cstring
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pglearn_role_reference_out';
CREATE TYPE role_reference (
    INPUT = role_reference_in, OUTPUT = role_reference_out, LIKE = pg_catalog.oid, CATEGORY = 'N');
CREATE CAST (regrole AS role_reference) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (role_reference AS regrole) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (role_reference AS oid) WITHOUT FUNCTION AS IMPLICIT;
COMMENT ON TYPE role_reference IS 'a role by its OID; unlike regrole it becomes "-" where it is missing after a restore';
COMMENT ON FUNCTION role_reference_in(cstring) IS 'input of role_reference: the name of a role, or "-"';
COMMENT ON FUNCTION role_reference_out(role_reference) IS 'output of role_reference: the name of the role, or "-"';

CREATE TYPE relation_reference;
CREATE FUNCTION relation_reference_in(cstring) RETURNS relation_reference
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pglearn_relation_reference_in';
CREATE FUNCTION relation_reference_out(relation_reference) RETURNS cstring
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pglearn_relation_reference_out';
CREATE TYPE relation_reference (
    INPUT = relation_reference_in, OUTPUT = relation_reference_out, LIKE = pg_catalog.oid, CATEGORY = 'N');
CREATE CAST (regclass AS relation_reference) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (relation_reference AS regclass) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (relation_reference AS oid) WITHOUT FUNCTION AS IMPLICIT;
COMMENT ON TYPE relation_reference IS
    'a relation by its OID; unlike regclass it becomes "-" where it is missing after a restore';
COMMENT ON FUNCTION relation_reference_in(cstring) IS 'input of relation_reference: the name of a relation, or "-"';
COMMENT ON FUNCTION relation_reference_out(relation_reference) IS
    'output of relation_reference: the name of the relation, or "-"';

CREATE TABLE models (
    model_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text COLLATE "C" NOT NULL UNIQUE
                 CHECK (length(name) BETWEEN 1 AND 63 AND name !~ '[@[:cntrl:]]'),
    owner        role_reference NOT NULL,
    grantees     role_reference[] NOT NULL DEFAULT '{}',
    seed         bigint NOT NULL,
    split_key    text[],
    last_version integer NOT NULL DEFAULT 0,
    tags         jsonb NOT NULL DEFAULT '{}',
    created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE model_versions (
    version_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id       bigint NOT NULL REFERENCES models ON DELETE CASCADE,
    version        integer NOT NULL CHECK (version > 0),
    algorithm      text NOT NULL,
    task           text NOT NULL CHECK (task IN ('classification', 'regression')),
    target         text NOT NULL,
    classes        text[],
    signature      text[] NOT NULL,
    hyperparams    jsonb NOT NULL DEFAULT '{}',
    metric         text,
    metrics        jsonb NOT NULL DEFAULT '{}',
    source         relation_reference,
    recipe         jsonb NOT NULL,
    training       jsonb NOT NULL DEFAULT '{}',
    warnings       text[] NOT NULL DEFAULT '{}',
    artifact       bytea NOT NULL,
    holdout        bytea,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by     text NOT NULL DEFAULT current_user,
    archived_at    timestamptz,
    UNIQUE (model_id, version)
);
-- Doubles of random digits: compressing them costs time and saves nothing.
ALTER TABLE model_versions ALTER COLUMN holdout SET STORAGE EXTERNAL;

CREATE TABLE model_aliases (
    model_id   bigint NOT NULL REFERENCES models ON DELETE CASCADE,
    alias      text COLLATE "C" NOT NULL CHECK (alias = lower(alias) AND alias ~ '^[^@[:cntrl:]]{1,63}$' AND alias !~ '^[0-9]+$'),
    version    integer NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (model_id, alias),
    FOREIGN KEY (model_id, version) REFERENCES model_versions (model_id, version)
);

CREATE TABLE alias_history (
    history_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id     bigint NOT NULL REFERENCES models ON DELETE CASCADE,
    alias        text COLLATE "C" NOT NULL,
    action       text NOT NULL CHECK (action IN ('promote', 'rollback', 'drop', 'refuse')),
    from_version integer,
    to_version   integer,
    reason       text,
    gate         jsonb,
    moved_by     text NOT NULL DEFAULT current_user,
    moved_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX alias_history_model ON alias_history (model_id, alias, history_id);

-- pg_dump run by the database owner, who is the extension's owner then, must be able to read them.
ALTER TABLE models OWNER TO @extowner@;
ALTER TABLE model_versions OWNER TO @extowner@;
ALTER TABLE model_aliases OWNER TO @extowner@;
ALTER TABLE alias_history OWNER TO @extowner@;
SELECT pg_catalog.pg_extension_config_dump('models', '');
SELECT pg_catalog.pg_extension_config_dump('models_model_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('model_versions', '');
SELECT pg_catalog.pg_extension_config_dump('model_versions_version_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('model_aliases', '');
SELECT pg_catalog.pg_extension_config_dump('alias_history', '');
SELECT pg_catalog.pg_extension_config_dump('alias_history_history_id_seq', '');

ALTER TABLE models ENABLE ROW LEVEL SECURITY;
ALTER TABLE model_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE model_aliases ENABLE ROW LEVEL SECURITY;
ALTER TABLE alias_history ENABLE ROW LEVEL SECURITY;

CREATE POLICY usable ON models FOR SELECT USING (
    pg_catalog.pg_has_role(owner::oid, 'USAGE')
    OR EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = owner::oid)
       AND EXISTS (SELECT FROM pg_catalog.unnest(grantees) AS g WHERE pg_catalog.pg_has_role(g::oid, 'USAGE')));
CREATE POLICY made ON models FOR INSERT WITH CHECK (pg_catalog.pg_has_role(owner::oid, 'USAGE'));
CREATE POLICY changed ON models FOR UPDATE
    USING (pg_catalog.pg_has_role(owner::oid, 'USAGE')) WITH CHECK (pg_catalog.pg_has_role(owner::oid, 'USAGE'));
CREATE POLICY dropped ON models FOR DELETE USING (pg_catalog.pg_has_role(owner::oid, 'USAGE'));

-- The sub-selects below are themselves subject to the policies of models.
CREATE POLICY usable ON model_versions FOR SELECT USING (EXISTS (SELECT FROM models AS m WHERE m.model_id = model_versions.model_id));
CREATE POLICY made ON model_versions FOR INSERT WITH CHECK (EXISTS (
    SELECT FROM models AS m WHERE m.model_id = model_versions.model_id AND pg_catalog.pg_has_role(m.owner::oid, 'USAGE')));
CREATE POLICY changed ON model_versions FOR UPDATE USING (EXISTS (
    SELECT FROM models AS m WHERE m.model_id = model_versions.model_id AND pg_catalog.pg_has_role(m.owner::oid, 'USAGE')));
CREATE POLICY dropped ON model_versions FOR DELETE USING (EXISTS (
    SELECT FROM models AS m WHERE m.model_id = model_versions.model_id AND pg_catalog.pg_has_role(m.owner::oid, 'USAGE')));

CREATE POLICY usable ON model_aliases FOR SELECT USING (EXISTS (SELECT FROM models AS m WHERE m.model_id = model_aliases.model_id));
CREATE POLICY made ON model_aliases FOR INSERT WITH CHECK (EXISTS (
    SELECT FROM models AS m WHERE m.model_id = model_aliases.model_id AND pg_catalog.pg_has_role(m.owner::oid, 'USAGE')));
CREATE POLICY changed ON model_aliases FOR UPDATE USING (EXISTS (
    SELECT FROM models AS m WHERE m.model_id = model_aliases.model_id AND pg_catalog.pg_has_role(m.owner::oid, 'USAGE')));
CREATE POLICY dropped ON model_aliases FOR DELETE USING (EXISTS (
    SELECT FROM models AS m WHERE m.model_id = model_aliases.model_id AND pg_catalog.pg_has_role(m.owner::oid, 'USAGE')));

CREATE POLICY usable ON alias_history FOR SELECT USING (EXISTS (SELECT FROM models AS m WHERE m.model_id = alias_history.model_id));
CREATE POLICY made ON alias_history FOR INSERT WITH CHECK (EXISTS (
    SELECT FROM models AS m WHERE m.model_id = alias_history.model_id AND pg_catalog.pg_has_role(m.owner::oid, 'USAGE')));

-- What a role may write of the rows that are its own. Versions are immutable: nothing but their archiving may
-- be updated. Numbers, times and the names of who did it are never given, always found.
GRANT SELECT, DELETE ON models TO PUBLIC;
GRANT INSERT (name, owner, seed, split_key) ON models TO PUBLIC;
GRANT UPDATE (owner, grantees, split_key, last_version, tags) ON models TO PUBLIC;
GRANT SELECT, DELETE ON model_versions TO PUBLIC;
GRANT INSERT (model_id, version, algorithm, task, target, classes, signature, hyperparams, metric, metrics, source,
              recipe, training, warnings, artifact, holdout) ON model_versions TO PUBLIC;
GRANT UPDATE (archived_at) ON model_versions TO PUBLIC;
GRANT SELECT, DELETE ON model_aliases TO PUBLIC;
GRANT INSERT (model_id, alias, version) ON model_aliases TO PUBLIC;
GRANT UPDATE (version, changed_at) ON model_aliases TO PUBLIC;
GRANT SELECT ON alias_history TO PUBLIC;
GRANT INSERT (model_id, alias, action, from_version, to_version, reason, gate) ON alias_history TO PUBLIC;

COMMENT ON TABLE models IS 'named models: who owns them, who may use them';
COMMENT ON COLUMN models.model_id IS 'number of the model';
COMMENT ON COLUMN models.name IS 'name, unique in the database';
COMMENT ON COLUMN models.owner IS 'role that may train, promote and drop; its members give the model away by UPDATE; after DROP ROLE nobody but superusers can use the model until one gives it a new owner';
COMMENT ON COLUMN models.grantees IS 'roles that may use it, by grant_model';
COMMENT ON COLUMN models.seed IS 'seed of the hold-out, fixed for the life of the model: a row never changes sides';
COMMENT ON COLUMN models.split_key IS 'columns whose values decide on which side of the split a row is, fixed by the first training';
COMMENT ON COLUMN models.last_version IS 'the highest version number given out; never used twice';
COMMENT ON COLUMN models.tags IS 'for the users of the model';
COMMENT ON COLUMN models.created_at IS 'when it was first trained';
COMMENT ON TABLE model_versions IS 'what each training produced; immutable';
COMMENT ON COLUMN model_versions.version_id IS 'number of the version in the database';
COMMENT ON COLUMN model_versions.model_id IS 'its model';
COMMENT ON COLUMN model_versions.version IS 'number of the version in its model, from 1';
COMMENT ON COLUMN model_versions.algorithm IS 'what learned it';
COMMENT ON COLUMN model_versions.task IS 'classification or regression';
COMMENT ON COLUMN model_versions.target IS 'the column that is predicted';
COMMENT ON COLUMN model_versions.classes IS 'classes in their order; of two, the second is the positive one';
COMMENT ON COLUMN model_versions.signature IS 'the inputs in the order of training, each "name type"';
COMMENT ON COLUMN model_versions.hyperparams IS 'hyper-parameters in use, defaults included';
COMMENT ON COLUMN model_versions.metric IS 'the metric that compares versions unless a gate names another';
COMMENT ON COLUMN model_versions.metrics IS 'metrics on the hold-out';
COMMENT ON COLUMN model_versions.source IS 'the relation it was trained on, where it was one';
COMMENT ON COLUMN model_versions.recipe IS 'the arguments of train() and the search_path under which they were understood';
COMMENT ON COLUMN model_versions.training IS 'rows used and skipped, class balance, duration, hash of the rows, role, snapshot';
COMMENT ON COLUMN model_versions.warnings IS 'what training warned of';
COMMENT ON COLUMN model_versions.artifact IS 'the model itself, in the encoding of pglearn';
COMMENT ON COLUMN model_versions.holdout IS 'scores and labels of the hold-out, never rows';
COMMENT ON COLUMN model_versions.created_at IS 'when the training finished';
COMMENT ON COLUMN model_versions.created_by IS 'name of the role that trained it';
COMMENT ON COLUMN model_versions.archived_at IS 'when it left service under a gate that archives';
COMMENT ON TABLE model_aliases IS 'names of versions: champion serves predict(''model'', …), others predict(''model@alias'', …)';
COMMENT ON COLUMN model_aliases.model_id IS 'its model';
COMMENT ON COLUMN model_aliases.alias IS 'the alias, in lower case';
COMMENT ON COLUMN model_aliases.version IS 'the version it stands for';
COMMENT ON COLUMN model_aliases.changed_at IS 'when it was last moved';
COMMENT ON TABLE alias_history IS 'every move of an alias, and every promotion that was refused';
COMMENT ON COLUMN alias_history.history_id IS 'number of the move';
COMMENT ON COLUMN alias_history.model_id IS 'its model';
COMMENT ON COLUMN alias_history.alias IS 'the alias';
COMMENT ON COLUMN alias_history.action IS 'promote, rollback, drop, or refuse (by a gate, or for other inputs)';
COMMENT ON COLUMN alias_history.from_version IS 'the version that served before';
COMMENT ON COLUMN alias_history.to_version IS 'the version that serves since (or was refused)';
COMMENT ON COLUMN alias_history.reason IS 'in the words of who moved it; why a version was refused that no gate compared';
COMMENT ON COLUMN alias_history.gate IS 'what the gate measured';
COMMENT ON COLUMN alias_history.moved_by IS 'name of the role that moved it';
COMMENT ON COLUMN alias_history.moved_at IS 'when';
COMMENT ON SEQUENCE models_model_id_seq IS 'numbers of models';
COMMENT ON SEQUENCE model_versions_version_id_seq IS 'numbers of versions in the database';
COMMENT ON SEQUENCE alias_history_history_id_seq IS 'numbers of the moves of aliases';

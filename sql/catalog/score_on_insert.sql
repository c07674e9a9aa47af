-- Scoring on insert. A row of this table is the consent of a role to what its triggers do in its name: a
-- trigger whose number is not here, or is here for another relation, does nothing.

CREATE TABLE scorings (
    scoring_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation     relation_reference NOT NULL,
    model        text COLLATE "C" NOT NULL,
    key_column   text COLLATE "C" NOT NULL,
    into_table   relation_reference NOT NULL,
    on_error     text NOT NULL CHECK (on_error IN ('warn', 'error')),
    installer    role_reference NOT NULL,
    installed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    UNIQUE (relation, into_table)
);
ALTER TABLE scorings OWNER TO @extowner@;
-- What was dropped meanwhile is not carried over.
SELECT pg_catalog.pg_extension_config_dump('scorings',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = relation::pg_catalog.oid)
       AND EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = into_table::pg_catalog.oid)');
SELECT pg_catalog.pg_extension_config_dump('scorings_scoring_id_seq', '');

ALTER TABLE scorings ENABLE ROW LEVEL SECURITY;
-- The owner of the relation sees what happens on it, and may end it.
CREATE POLICY usable ON scorings FOR SELECT USING (
    pg_catalog.pg_has_role(installer::oid, 'USAGE')
    OR EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = relation::oid AND pg_catalog.pg_has_role(c.relowner, 'USAGE')));
CREATE POLICY made ON scorings FOR INSERT WITH CHECK (
    pg_catalog.pg_has_role(installer::oid, 'USAGE') AND pg_catalog.has_table_privilege(relation::oid, 'TRIGGER'));
CREATE POLICY dropped ON scorings FOR DELETE USING (
    pg_catalog.pg_has_role(installer::oid, 'USAGE')
    OR EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = relation::oid AND pg_catalog.pg_has_role(c.relowner, 'USAGE')));
-- Numbers are given out, never chosen: one that others wait for could be taken in advance.
GRANT SELECT, DELETE ON scorings TO PUBLIC;
GRANT INSERT (relation, model, key_column, into_table, on_error, installer) ON scorings TO PUBLIC;

COMMENT ON TABLE scorings IS 'relations whose new rows are scored: by score_on_insert';
COMMENT ON COLUMN scorings.scoring_id IS 'number that the trigger has as its argument';
COMMENT ON COLUMN scorings.relation IS 'whose new rows are scored';
COMMENT ON COLUMN scorings.model IS 'by which model: a reference as predict takes it';
COMMENT ON COLUMN scorings.key_column IS 'the column that names a row';
COMMENT ON COLUMN scorings.into_table IS 'where the predictions go';
COMMENT ON COLUMN scorings.on_error IS 'warn: the rows are inserted even where they cannot be scored; error: they are not';
COMMENT ON COLUMN scorings.installer IS 'the role as which the trigger reads the model and writes the predictions';
COMMENT ON COLUMN scorings.installed_at IS 'when it was installed';

CREATE FUNCTION score_inserted_rows() RETURNS trigger
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME', 'pglearn_score_inserted_rows';
COMMENT ON FUNCTION score_inserted_rows() IS 'trigger function of score_on_insert';

COMMENT ON FUNCTION score_on_insert(regclass, text, text, text, text) IS
    'from now on writes predictions for rows inserted into a table, in the same transaction (not for rows that are updated, inserted into a partition under its own name, or applied by logical replication); returns the table they go to';
COMMENT ON FUNCTION unscore_on_insert(regclass) IS
    'ends what score_on_insert began on a table; returns how many triggers there were';
COMMENT ON SEQUENCE scorings_scoring_id_seq IS 'numbers of the scorings of tables';

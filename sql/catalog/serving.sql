-- Sessions keep what a model reference stood for in their snapshot. A change of these tables tells them to
-- look again: what a transaction did and undid itself (ROLLBACK TO SAVEPOINT) does not show in its snapshot.

CREATE FUNCTION catalog_changed() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pglearn_catalog_changed';
COMMENT ON FUNCTION catalog_changed() IS
    'trigger of the registry''s tables: sessions look up again which version serves';
REVOKE ALL ON FUNCTION catalog_changed() FROM PUBLIC;

CREATE TRIGGER catalog_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON models
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();
CREATE TRIGGER catalog_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON model_versions
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();
CREATE TRIGGER catalog_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON model_aliases
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();

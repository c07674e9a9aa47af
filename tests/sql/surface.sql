-- Everything the extension brings, so that nothing changes unnoticed; and nothing without a comment.
SELECT regexp_replace(pg_describe_object(classid, objid, objsubid), 'schema ml', 'its schema') AS object
  FROM pg_depend WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pglearn')
 ORDER BY regexp_replace(pg_describe_object(classid, objid, objsubid), 'schema ml', 'its schema') COLLATE "C";
-- Volatility (immutable, stable, volatile), strictness, parallel label (safe, restricted, unsafe) and language; no function has a SET clause or its owner's rights.
SELECT proname, pg_get_function_identity_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result, provolatile AS vol, proisstrict AS strict, proparallel AS par, l.lanname AS language
  FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' JOIN pg_language l ON l.oid = prolang
 WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pglearn') ORDER BY proname COLLATE "C", pg_get_function_identity_arguments(p.oid) COLLATE "C";
SELECT count(*) FILTER (WHERE proconfig IS NOT NULL) AS with_settings, count(*) FILTER (WHERE prosecdef) AS with_owners_rights
  FROM pg_proc WHERE pronamespace = 'ml'::regnamespace;
SELECT DISTINCT ON (proname) proname, pg_get_expr(proargdefaults, 0) AS defaults
  FROM pg_proc WHERE pronamespace = 'ml'::regnamespace AND pronargdefaults > 0 ORDER BY proname, pronargs;
SELECT aggfnoid, aggcombinefn, aggtranstype::regtype FROM pg_aggregate WHERE aggfnoid::oid IN (SELECT oid FROM pg_proc WHERE pronamespace = 'ml'::regnamespace);
-- What has no comment, or one that is no sentence of its own.
SELECT pg_describe_object(classid, objid, objsubid) AS uncommented
  FROM pg_depend d WHERE deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pglearn')
   AND classid IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_type'::regclass) AND NOT EXISTS (SELECT FROM pg_type t WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid AND (t.typrelid <> 0 OR t.typelem <> 0) AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
   AND coalesce(length(obj_description(objid, classid::regclass::name)), 0) < 10;
-- Settings, each with a reason.
LOAD 'pglearn';
SELECT name, setting, unit, vartype, context, min_val, max_val, enumvals, extra_desc <> '' AS with_reason FROM pg_settings WHERE name LIKE 'pglearn.%' ORDER BY name COLLATE "C";
SELECT extversion = (SELECT default_version FROM pg_available_extensions WHERE name = 'pglearn') AS newest, extrelocatable, extnamespace::regnamespace FROM pg_extension WHERE extname = 'pglearn';
SELECT trusted, relocatable, schema, requires FROM pg_available_extension_versions WHERE name = 'pglearn';

/** Every use of a relation. */
const anyUse = `'{read,insert,update,delete,truncate,refresh}'::text[]`;

/**
 * Types that run something when a value is read or made: domains with a CHECK, and types that are made of such.
 */
const checking = `
part (type, made_of) AS (
  SELECT oid, typbasetype FROM pg_type WHERE typtype = 'd'
  UNION SELECT typarray, oid FROM pg_type WHERE typarray > 0
  UNION SELECT reltype, atttypid FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid WHERE reltype > 0 AND attnum > 0 AND NOT attisdropped
  UNION SELECT rngtypid, rngsubtype FROM pg_range
  UNION SELECT (to_jsonb(r) ->> 'rngmultitypid')::oid, rngtypid FROM pg_range r
), checking (type) AS (
  SELECT contypid FROM pg_constraint WHERE contypid >= 16384 AND contype = 'c'
  UNION SELECT part.type FROM checking JOIN part ON made_of = checking.type
)`;

/**
 * Reads the catalogue of a database as rows of JSON, one object each (`CatalogueRow`). With an empty search path, PostgreSQL prints all names in definitions with
 * their schema, apart from its own. PostgreSQL's own objects of pg_catalog cannot be changed and have only their names and columns here.
 */
export const catalogueQuery = `
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT json_build_object('kind', 'path', 'schema', session_user, 'name', current_setting('search_path'));
SET LOCAL search_path = '';
SET LOCAL statement_timeout = '10s';
SET LOCAL standard_conforming_strings = on;
SELECT json_build_object('kind', 'schema', 'schema', '', 'name', nspname) FROM pg_namespace;
WITH RECURSIVE ${checking}, depending AS (
  SELECT DISTINCT classid, objid FROM pg_depend WHERE refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass) AND refobjid >= 16384
), parted (top, relation) AS (
  SELECT partrelid, partrelid FROM pg_partitioned_table JOIN depending ON classid = 'pg_class'::regclass AND objid = partrelid WHERE partexprs IS NOT NULL
  UNION SELECT top, inhrelid FROM parted JOIN pg_inherits ON inhparent = relation
), attached AS (
  SELECT tgrelid AS relation, format('SELECT %s()', d.refobjid::regproc) AS sql,
    array_remove(ARRAY[CASE WHEN tgtype & 4 > 0 THEN 'insert' END, CASE WHEN tgtype & 8 > 0 THEN 'delete' END,
      CASE WHEN tgtype & 16 > 0 OR (tgtype & 12 > 0 AND (SELECT relispartition FROM pg_class WHERE oid = tgrelid)) THEN 'update' END,
      CASE WHEN tgtype & 32 > 0 THEN 'truncate' END], NULL) AS uses, false AS defines, true AS later
    FROM pg_trigger t JOIN (
      SELECT objid, refobjid FROM pg_depend WHERE classid = 'pg_trigger'::regclass AND refclassid = 'pg_proc'::regclass
      UNION SELECT objid, oprcode FROM pg_depend JOIN pg_operator o ON o.oid = refobjid WHERE classid = 'pg_trigger'::regclass AND refclassid = 'pg_operator'::regclass
      UNION SELECT oid, tgfoid FROM pg_trigger) d ON d.objid = t.oid
    WHERE NOT tgisinternal AND tgenabled <> 'D'
  UNION ALL SELECT tgrelid, 'SELECT NULL::' || format_type(refobjid, NULL), '{insert,delete,update,truncate}', false, true
    FROM pg_depend JOIN pg_trigger t ON t.oid = objid JOIN checking ON type = refobjid WHERE classid = 'pg_trigger'::regclass AND refclassid = 'pg_type'::regclass
  UNION ALL SELECT ev_class, pg_get_ruledef(oid), ARRAY[CASE ev_type WHEN '1' THEN 'read' WHEN '2' THEN 'update' WHEN '3' THEN 'insert' ELSE 'delete' END], true, false
    FROM pg_rewrite WHERE rulename <> '_RETURN' AND ev_class >= 16384
  UNION ALL SELECT oid, pg_get_viewdef(oid), ARRAY[CASE relkind WHEN 'v' THEN 'read' ELSE 'refresh' END], false, false
    FROM pg_class WHERE relkind IN ('v', 'm') AND oid >= 16384
  UNION ALL SELECT adrelid, 'SELECT ' || pg_get_expr(adbin, adrelid), '{insert,update,refresh}', false, false FROM pg_attrdef
  UNION ALL SELECT conrelid, 'SELECT ' || pg_get_expr(conbin, conrelid), CASE WHEN objid IS NULL THEN '{insert,update,refresh}' ELSE ${anyUse} END, false, false
    FROM pg_constraint c LEFT JOIN depending ON classid = 'pg_constraint'::regclass AND objid = c.oid WHERE contype = 'c' AND conrelid > 0
  UNION ALL SELECT polrelid, 'SELECT ' || pg_get_expr(polqual, polrelid), '{read,insert,update,delete}', false, false FROM pg_policy WHERE polqual IS NOT NULL
  UNION ALL SELECT polrelid, 'SELECT ' || pg_get_expr(polwithcheck, polrelid), '{read,insert,update,delete}', false, false FROM pg_policy WHERE polwithcheck IS NOT NULL
  UNION ALL SELECT indrelid, 'SELECT ' || pg_get_expr(indexprs, indrelid), CASE WHEN objid IS NULL THEN '{read,insert,update,refresh}' ELSE ${anyUse} END, false, false
    FROM pg_index LEFT JOIN depending ON classid = 'pg_class'::regclass AND objid = indexrelid WHERE indexprs IS NOT NULL
  UNION ALL SELECT indrelid, 'SELECT ' || pg_get_expr(indpred, indrelid), CASE WHEN objid IS NULL THEN '{insert,update,refresh}' ELSE ${anyUse} END, false, false
    FROM pg_index LEFT JOIN depending ON classid = 'pg_class'::regclass AND objid = indexrelid WHERE indpred IS NOT NULL
  UNION ALL SELECT stxrelid, pg_get_statisticsobjdef(s.oid), ${anyUse}, true, false
    FROM pg_statistic_ext s JOIN depending ON classid = 'pg_statistic_ext'::regclass AND objid = s.oid WHERE 'e' = ANY (stxkind)
  UNION ALL SELECT relation, 'SELECT ' || pg_get_expr(partexprs, partrelid), ${anyUse}, false, false FROM parted JOIN pg_partitioned_table ON partrelid = top
  UNION ALL SELECT attrelid, 'SELECT NULL::' || format_type(atttypid, NULL), ${anyUse}, false, false
    FROM pg_attribute JOIN checking ON type = atttypid WHERE attnum > 0 AND NOT attisdropped
  UNION ALL SELECT attrelid, 'SELECT NULL::' || format_type(atttypid, NULL), '{insert,update,refresh}', false, false
    FROM pg_attribute JOIN pg_type t ON t.oid = atttypid WHERE attnum > 0 AND NOT attisdropped AND typtype = 'd' AND typdefaultbin IS NOT NULL
  UNION ALL SELECT ftrelid, format('SELECT %s()', fdwhandler::regproc), ${anyUse}, false, false
    FROM pg_foreign_table JOIN pg_foreign_server s ON s.oid = ftserver JOIN pg_foreign_data_wrapper w ON w.oid = srvfdw WHERE fdwhandler > 0
), tied AS (
  SELECT conrelid AS relation, confrelid AS other, ARRAY['insert', 'update'] AS uses, 'read' AS what FROM pg_constraint WHERE contype = 'f'
  UNION ALL SELECT confrelid, conrelid, ARRAY['delete', 'update'], 'read' FROM pg_constraint WHERE contype = 'f'
  UNION ALL SELECT confrelid, conrelid, ARRAY['delete'], CASE confdeltype WHEN 'c' THEN 'delete' ELSE 'update' END
    FROM pg_constraint WHERE contype = 'f' AND confdeltype IN ('c', 'n', 'd')
  UNION ALL SELECT confrelid, conrelid, ARRAY['update'], 'update' FROM pg_constraint WHERE contype = 'f' AND confupdtype IN ('c', 'n', 'd')
  UNION ALL SELECT indexrelid, indrelid, '{refresh}', 'refresh' FROM pg_index WHERE indexrelid >= 16384
  UNION ALL SELECT inhparent, inhrelid, ARRAY[what], what FROM pg_inherits, unnest('{read,insert,update,delete,truncate,refresh}'::text[]) what
)
SELECT json_strip_nulls(json_build_object('kind', 'relation', 'schema', n.nspname, 'name', c.relname,
  'columns', (SELECT json_agg(attname ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
  'relation', CASE WHEN c.oid >= 16384 THEN c.oid::bigint END,
  'numbers', (SELECT json_agg(attnum ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped HAVING max(attnum) > count(*)),
  'runs', runs, 'spreads', spreads))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN (SELECT relation, json_agg(json_build_object('on', uses, 'sql', sql, 'defines', CASE WHEN defines THEN true END, 'isLater', CASE WHEN later THEN true END)
    ORDER BY sql, uses) AS runs FROM attached GROUP BY relation) a ON a.relation = c.oid
  LEFT JOIN (SELECT relation, json_agg(json_build_object('on', uses, 'schema', m.nspname, 'name', o.relname, 'as', what) ORDER BY m.nspname, o.relname, what, uses) AS spreads
    FROM tied JOIN pg_class o ON o.oid = other JOIN pg_namespace m ON m.oid = o.relnamespace GROUP BY relation) t ON t.relation = c.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'i', 'I') AND n.nspname !~ '^pg_(toast|temp)' AND NOT (c.relkind IN ('i', 'I') AND n.nspname = 'pg_catalog');
WITH RECURSIVE ${checking}
SELECT json_build_object('kind', 'function', 'schema', n.nspname, 'name', proname, 'runs', json_build_array(CASE
  WHEN prokind = 'a' THEN json_build_object('on', '{call}'::text[], 'sql', (SELECT format('SELECT %s', string_agg(part, ', '))
    FROM (SELECT f::regproc || '()' FROM unnest(ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn, aggminvtransfn, aggmfinalfn]) f WHERE f > 0
      UNION ALL SELECT 'NULL::' || format_type(type, NULL) FROM checking WHERE type = ANY (proargtypes::oid[] || aggtranstype || aggmtranstype)) parts (part)))
  ELSE json_build_object('on', '{call}'::text[], 'sql', left(pg_get_functiondef(p.oid), 100000), 'defines', true) END))
FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace LEFT JOIN pg_aggregate a ON aggfnoid = p.oid
WHERE n.nspname <> 'pg_catalog' OR p.oid >= 16384;
SELECT json_build_object('kind', 'operator', 'schema', n.nspname, 'name', oprname, 'runs',
  json_build_array(json_build_object('on', '{call}'::text[], 'sql', format('SELECT %s()', oprcode))))
FROM pg_operator o JOIN pg_namespace n ON n.oid = oprnamespace WHERE (n.nspname <> 'pg_catalog' OR o.oid >= 16384) AND oprcode > 0;
WITH RECURSIVE ${checking}
SELECT json_strip_nulls(json_build_object('kind', 'type', 'schema', n.nspname, 'name', typname, 'oids', array_remove(ARRAY[t.oid::bigint, typarray::bigint], 0),
  'array', (SELECT typname FROM pg_type WHERE oid = t.typarray), 'form', nullif(t.typtype, 'b'), 'base', nullif(t.typbasetype::bigint, 0), 'runs', (
  SELECT coalesce(json_agg(json_build_object('on', '{call}'::text[], 'sql', sql) ORDER BY sql), '[]') FROM (
    SELECT 'SELECT ' || pg_get_expr(conbin, 0) FROM pg_constraint WHERE contypid = t.oid AND contype = 'c'
    UNION SELECT 'SELECT ' || pg_get_expr(typdefaultbin, 0) WHERE typdefaultbin IS NOT NULL
    UNION SELECT 'SELECT NULL::' || format_type(made_of, NULL) FROM part JOIN checking ON checking.type = made_of WHERE part.type = t.oid) runs (sql))))
FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
WHERE (n.nspname NOT IN ('pg_catalog', 'information_schema') OR t.oid >= 16384) AND n.nspname !~ '^pg_(toast|temp)' AND t.oid NOT IN (SELECT typarray FROM pg_type);
SELECT json_strip_nulls(json_build_object('kind', 'type', 'schema', nspname, 'name', typname, 'oids', CASE WHEN t.oid >= 10000 THEN ARRAY[t.oid::bigint] END))
FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace WHERE nspname IN ('pg_catalog', 'information_schema') AND t.oid < 16384;
SELECT json_build_object('kind', 'always', 'schema', '', 'name', 'cast', 'runs',
  json_build_array(json_build_object('on', '{call}'::text[], 'sql', format('SELECT %s()', castfunc::regproc))))
FROM pg_cast JOIN pg_proc p ON p.oid = castfunc JOIN pg_language l ON l.oid = prolang
WHERE (pronamespace <> 'pg_catalog'::regnamespace OR p.oid >= 16384) AND NOT (lanname = 'internal' AND provolatile = 'i');
SELECT json_build_object('kind', 'always', 'schema', '', 'name', CASE evtevent WHEN 'login' THEN 'login' ELSE 'event_trigger' END, 'runs',
  json_build_array(json_build_object('on', '{call}'::text[], 'sql', format('SELECT %s()', evtfoid::regproc))))
FROM pg_event_trigger WHERE evtenabled <> 'D';
SELECT json_build_object('kind', 'always', 'schema', '', 'name', 'comparison', 'runs',
  json_build_array(json_build_object('on', '{call}'::text[], 'sql', format('SELECT %s()', p.oid::regproc))))
FROM pg_proc p JOIN pg_language l ON l.oid = prolang WHERE lanname NOT IN ('c', 'internal') AND p.oid >= 16384 AND p.oid IN (
  SELECT amproc FROM pg_amproc UNION SELECT oprcode FROM pg_amop JOIN pg_operator o ON o.oid = amopopr UNION SELECT rngsubdiff FROM pg_range);
WITH depending AS (
  SELECT DISTINCT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
    AND refobjid >= 16384)
SELECT json_build_object('kind', 'always', 'schema', '', 'name', 'partition', 'runs',
  json_build_array(json_build_object('on', '{call}'::text[], 'sql', 'SELECT ' || pg_get_expr(partexprs, partrelid))))
FROM pg_partitioned_table JOIN depending ON objid = partrelid WHERE partexprs IS NOT NULL;
COMMIT`;

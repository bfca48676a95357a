/**
 * Reads the catalogue of a database as rows of JSON, one object each (`CatalogueRow`). With an empty search path, PostgreSQL prints all names in definitions with
 * their schema, apart from its own. Objects of pg_catalog cannot be changed and have only their names and columns here.
 */
export const catalogueQuery = `
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT json_build_object('kind', 'path', 'schema', session_user, 'name', current_setting('search_path'));
SET LOCAL search_path = '';
SET LOCAL statement_timeout = '10s';
SET LOCAL standard_conforming_strings = on;
SELECT json_build_object('kind', 'schema', 'schema', '', 'name', nspname) FROM pg_namespace;
WITH attached AS (
  SELECT tgrelid AS relation, format('SELECT %s()', d.refobjid::regproc) AS sql,
    array_remove(ARRAY[CASE WHEN tgtype & 4 > 0 THEN 'insert' END, CASE WHEN tgtype & 8 > 0 THEN 'delete' END, CASE WHEN tgtype & 16 > 0 THEN 'update' END,
      CASE WHEN tgtype & 32 > 0 THEN 'truncate' END], NULL) AS uses, false AS defines, true AS later
    FROM pg_trigger t JOIN (
      SELECT objid, refobjid FROM pg_depend WHERE classid = 'pg_trigger'::regclass AND refclassid = 'pg_proc'::regclass
      UNION SELECT oid, tgfoid FROM pg_trigger) d ON d.objid = t.oid
    WHERE NOT tgisinternal AND tgenabled <> 'D'
  UNION ALL SELECT ev_class, pg_get_ruledef(oid), ARRAY[CASE ev_type WHEN '1' THEN 'read' WHEN '2' THEN 'update' WHEN '3' THEN 'insert' ELSE 'delete' END], true, false
    FROM pg_rewrite WHERE rulename <> '_RETURN' AND ev_class >= 16384
  UNION ALL SELECT oid, pg_get_viewdef(oid), ARRAY[CASE relkind WHEN 'v' THEN 'read' ELSE 'refresh' END], false, false
    FROM pg_class WHERE relkind IN ('v', 'm') AND oid >= 16384
  UNION ALL SELECT adrelid, 'SELECT ' || pg_get_expr(adbin, adrelid), '{insert,update,refresh}', false, false FROM pg_attrdef
  UNION ALL SELECT conrelid, 'SELECT ' || pg_get_expr(conbin, conrelid), '{insert,update,refresh}', false, false FROM pg_constraint WHERE contype = 'c' AND conrelid > 0
  UNION ALL SELECT polrelid, 'SELECT ' || pg_get_expr(polqual, polrelid), '{read,insert,update,delete}', false, false FROM pg_policy WHERE polqual IS NOT NULL
  UNION ALL SELECT polrelid, 'SELECT ' || pg_get_expr(polwithcheck, polrelid), '{read,insert,update,delete}', false, false FROM pg_policy WHERE polwithcheck IS NOT NULL
  UNION ALL SELECT indrelid, 'SELECT ' || pg_get_expr(indexprs, indrelid), '{read,insert,update,refresh}', false, false FROM pg_index WHERE indexprs IS NOT NULL
  UNION ALL SELECT indrelid, 'SELECT ' || pg_get_expr(indpred, indrelid), '{insert,update,refresh}', false, false FROM pg_index WHERE indpred IS NOT NULL
  UNION ALL SELECT attrelid, format('SELECT NULL::%s', format_type(t.oid, NULL)), '{insert,update,refresh}', false, false
    FROM pg_attribute JOIN pg_type a ON a.oid = atttypid JOIN pg_type t ON t.oid = CASE WHEN a.typelem > 0 AND a.typlen = -1 THEN a.typelem ELSE a.oid END
    WHERE attnum > 0 AND NOT attisdropped AND t.typtype IN ('d', 'c') AND t.oid >= 16384
), tied AS (
  SELECT conrelid AS relation, confrelid AS other, ARRAY['insert', 'update'] AS uses, 'read' AS what FROM pg_constraint WHERE contype = 'f'
  UNION ALL SELECT confrelid, conrelid, ARRAY['delete', 'update'], 'read' FROM pg_constraint WHERE contype = 'f'
  UNION ALL SELECT confrelid, conrelid, ARRAY['delete'], CASE confdeltype WHEN 'c' THEN 'delete' ELSE 'update' END
    FROM pg_constraint WHERE contype = 'f' AND confdeltype IN ('c', 'n', 'd')
  UNION ALL SELECT confrelid, conrelid, ARRAY['update'], 'update' FROM pg_constraint WHERE contype = 'f' AND confupdtype IN ('c', 'n', 'd')
  UNION ALL SELECT inhparent, inhrelid, ARRAY[what], what FROM pg_inherits, unnest('{read,insert,update,delete,truncate,refresh}'::text[]) what
)
SELECT json_strip_nulls(json_build_object('kind', 'relation', 'schema', n.nspname, 'name', c.relname,
  'columns', (SELECT json_agg(attname ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
  'plansOthers', CASE WHEN c.relkind = 'f' OR EXISTS (SELECT FROM pg_statistic_ext WHERE stxrelid = c.oid AND 'e' = ANY (stxkind))
    OR (c.relispartition OR c.relkind = 'p') AND EXISTS (SELECT FROM pg_partitioned_table WHERE partexprs IS NOT NULL) THEN true END,
  'runs', (SELECT json_agg(json_build_object('on', uses, 'sql', sql, 'defines', CASE WHEN defines THEN true END, 'isLater', CASE WHEN later THEN true END) ORDER BY sql, uses)
    FROM attached WHERE relation = c.oid),
  'spreads', (SELECT json_agg(json_build_object('on', uses, 'schema', m.nspname, 'name', o.relname, 'as', what) ORDER BY m.nspname, o.relname, what, uses)
    FROM tied JOIN pg_class o ON o.oid = other JOIN pg_namespace m ON m.oid = o.relnamespace WHERE relation = c.oid)))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'i', 'I') AND n.nspname !~ '^pg_(toast|temp)' AND NOT (c.relkind IN ('i', 'I') AND n.nspname = 'pg_catalog');
SELECT json_build_object('kind', 'function', 'schema', n.nspname, 'name', proname, 'runs', json_build_array(CASE
  WHEN prokind = 'a' THEN json_build_object('on', '{call}'::text[], 'sql', (SELECT format('SELECT %s', string_agg(part::regproc || '()', ', '))
    FROM unnest(ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn, aggminvtransfn, aggmfinalfn]) part WHERE part > 0))
  ELSE json_build_object('on', '{call}'::text[], 'sql', left(pg_get_functiondef(p.oid), 100000), 'defines', true) END))
FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace LEFT JOIN pg_aggregate a ON aggfnoid = p.oid
WHERE n.nspname <> 'pg_catalog';
SELECT json_build_object('kind', 'operator', 'schema', n.nspname, 'name', oprname, 'runs',
  json_build_array(json_build_object('on', '{call}'::text[], 'sql', format('SELECT %s()', oprcode))))
FROM pg_operator JOIN pg_namespace n ON n.oid = oprnamespace WHERE n.nspname <> 'pg_catalog' AND oprcode > 0;
SELECT json_build_object('kind', 'type', 'schema', n.nspname, 'name', typname, 'runs', (
  SELECT coalesce(json_agg(json_build_object('on', '{call}'::text[], 'sql', sql) ORDER BY sql), '[]') FROM (
    SELECT 'SELECT ' || pg_get_expr(conbin, 0) FROM pg_constraint WHERE contypid = t.oid AND contype = 'c'
    UNION SELECT format('SELECT NULL::%s', format_type(b.oid, NULL)) FROM pg_type a JOIN pg_type b ON b.oid = CASE WHEN a.typelem > 0 AND a.typlen = -1 THEN a.typelem ELSE a.oid END
      WHERE a.oid = t.typbasetype AND b.oid >= 16384 AND b.typtype IN ('d', 'c')
    UNION SELECT format('SELECT NULL::%s', format_type(b.oid, NULL)) FROM pg_attribute JOIN pg_type a ON a.oid = atttypid
      JOIN pg_type b ON b.oid = CASE WHEN a.typelem > 0 AND a.typlen = -1 THEN a.typelem ELSE a.oid END
      WHERE attrelid = t.typrelid AND attnum > 0 AND b.typtype IN ('d', 'c') AND b.oid >= 16384) parts (sql)))
FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)' AND typelem = 0;
SELECT json_build_object('kind', 'always', 'schema', '', 'name', 'cast', 'runs',
  json_build_array(json_build_object('on', '{call}'::text[], 'sql', format('SELECT %s()', castfunc::regproc))))
FROM pg_cast JOIN pg_proc p ON p.oid = castfunc WHERE pronamespace <> 'pg_catalog'::regnamespace;
SELECT json_build_object('kind', 'always', 'schema', '', 'name', 'event_trigger', 'runs',
  json_build_array(json_build_object('on', '{call}'::text[], 'sql', format('SELECT %s()', evtfoid::regproc))))
FROM pg_event_trigger WHERE evtenabled <> 'D';
COMMIT`;

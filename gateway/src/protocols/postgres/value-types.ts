/** The OIDs of PostgreSQL's own types. https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat */

/** Types whose binary form is their text: "char", name, text, json, xml, unknown, bpchar, varchar. */
export const textTypes: ReadonlySet<number> = new Set([18, 19, 25, 114, 142, 705, 1042, 1043]);
/** The binary form of jsonb is a version byte and its text. */
export const jsonb = 3802;
/** Types without texts, and the bytes of their binary form: bool, int8, int2, int4, oid, float4, float8, date, time, timestamp, timestamptz, interval, uuid. */
export const plainTypes: ReadonlyMap<number, number> = new Map([
  [16, 1],
  [20, 8],
  [21, 2],
  [23, 4],
  [26, 4],
  [700, 4],
  [701, 8],
  [1082, 4],
  [1083, 8],
  [1114, 8],
  [1184, 8],
  [1186, 16],
  [2950, 16],
]);

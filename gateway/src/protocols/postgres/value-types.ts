/** The OIDs of PostgreSQL's own types. https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat */

/** Types whose binary form is their text: "char", name, text, json, xml, unknown, bpchar, varchar. */
export const textTypes: ReadonlySet<number> = new Set([18, 19, 25, 114, 142, 705, 1042, 1043]);
/** "char", a single byte. */
export const oneCharacter = 18;
export const json = 114;
/** The binary form of jsonb is a version byte and its text. */
export const jsonb = 3802;
export const bytea = 17;
/** The type of rows that have no type of their own. */
export const record = 2249;
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

/** Types of numbers whose binary form is an integer of so many bytes: int8, int2, int4. */
export const integerTypes: ReadonlyMap<number, number> = new Map([
  [20, 8],
  [21, 2],
  [23, 4],
]);
/** Types of numbers with a fraction: float4, float8, numeric. */
export const fractionTypes: ReadonlySet<number> = new Set([700, 701, 1700]);

/**
 * Types whose binary form holds no text in any way: ids of rows and transactions, geometry, time with a zone, money, bits, the ids of objects, positions in the log, void.
 */
export const textlessTypes: ReadonlySet<number> = new Set([
  24, 27, 28, 29, 600, 601, 602, 603, 604, 628, 718, 790, 1083, 1186, 1266, 1560, 1562, 2202, 2203, 2204, 2205, 2206, 2278, 3220, 3734, 3769, 4089, 4096, 4191,
  5069,
]);
/** Types whose binary form has its texts as they are among other bytes: tsvector, tsquery, refcursor, cstring, jsonpath, trees of expressions. */
export const mixedTypes: ReadonlySet<number> = new Set([3614, 3615, 1790, 2275, 4072, 194]);
/** Addresses of networks: inet and cidr, and the addresses of devices. */
export const networkTypes: ReadonlySet<number> = new Set([869, 650]);
export const deviceTypes: ReadonlySet<number> = new Set([829, 774]);

/** The types of ranges, each with the type of its bounds, and those of multiranges, each with the type of its ranges. */
export const rangeTypes: ReadonlyMap<number, number> = new Map([
  [3904, 23],
  [3906, 1700],
  [3908, 1114],
  [3910, 1184],
  [3912, 1082],
  [3926, 20],
]);
export const multirangeTypes: ReadonlyMap<number, number> = new Map([
  [4451, 3904],
  [4532, 3906],
  [4533, 3908],
  [4534, 3910],
  [4535, 3912],
  [4536, 3926],
]);

/** The type of arrays whose elements have any type, as in the statistics. */
export const anyArray = 2277;

/** The types of arrays, each with the type of its elements. Arrays of boxes are missing, because they are written in another way. */
export const arrayTypes: ReadonlyMap<number, number> = new Map(
  `22 21 30 26 1000 16 1001 17 1002 18 1003 19 1005 21 1007 23 1008 24 1009 25 1010 27 1011 28 1012 29 1014 1042 1015 1043 1016 20 1017 600 1018 601 1019 602 1021 700
  1022 701 1028 26 1040 829 1041 869 651 650 1115 1114 1182 1082 1183 1083 1185 1184 1187 1186 1231 1700 1263 2275 1270 1266 1561 1560 1563 1562 2951 2950
  199 114 3807 3802 143 142 2287 2249 791 790 775 774 3643 3614 3645 3615 3905 3904 3907 3906 3909 3908 3911 3910 3913 3912 3927 3926 4073 4072 629 628 719 718`
    .match(/\d+ \d+/g)
    ?.map((pair): [number, number] => {
      const [array = 0, element = 0] = pair.split(' ').map(Number);
      return [array, element];
    }),
);

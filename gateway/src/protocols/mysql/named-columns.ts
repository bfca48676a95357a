/** Words with which a result may get names that somebody has made up, and the beginning of comments that some servers execute. */
const inventing = /union|intersect|except|table|values|procedure|\/\*M?!|;\s*\S/i;

/**
 * True if the columns of the result have the names of tables from where their values are. A server reports the names of derived tables and of common table expressions as if they were
 * those of a table, so that a client can have values under any name. Only one SELECT without any of these is sure. Words count wherever they stand, also within strings and
 * names, so that no way of reading the text finds more of them.
 */
export function namesColumnsTruly(sql: string): boolean {
  return /^\s*select/i.test(sql) && sql.match(/select/gi)?.length === 1 && !inventing.test(sql);
}

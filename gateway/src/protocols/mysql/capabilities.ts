/** The capabilities that both sides of a connection tell each other at the login. https://mariadb.com/kb/en/connection/#capabilities */
export const capabilities = {
  longPassword: 1,
  foundRows: 1 << 1,
  longFlag: 1 << 2,
  connectWithDatabase: 1 << 3,
  noSchema: 1 << 4,
  odbc: 1 << 6,
  ignoreSpace: 1 << 8,
  protocol41: 1 << 9,
  interactive: 1 << 10,
  tls: 1 << 11,
  ignoreSignals: 1 << 12,
  transactions: 1 << 13,
  secureConnection: 1 << 15,
  multiStatements: 1 << 16,
  multiResults: 1 << 17,
  preparedMultiResults: 1 << 18,
  pluginAuthentication: 1 << 19,
  connectAttributes: 1 << 20,
  longAuthentication: 1 << 21,
  deprecateEof: 1 << 24,
  /** The client takes reports of progress, which are words that it shows (MariaDB). */
  progress: 1 << 29,
} as const;

const {
  longPassword,
  foundRows,
  longFlag,
  connectWithDatabase,
  noSchema,
  odbc,
  ignoreSpace,
  protocol41,
  interactive,
  ignoreSignals,
  transactions,
  secureConnection,
  multiStatements,
  multiResults,
  preparedMultiResults,
  pluginAuthentication,
  connectAttributes,
  longAuthentication,
  deprecateEof,
  progress,
} = capabilities;

/**
 * The capabilities that the gateway offers to clients, TLS aside. Compression, session tracking, query attributes, LOAD DATA LOCAL and MariaDB's own extensions are not in it, so neither side
 * uses them.
 */
export const offered =
  longPassword |
  foundRows |
  longFlag |
  connectWithDatabase |
  noSchema |
  odbc |
  ignoreSpace |
  protocol41 |
  interactive |
  ignoreSignals |
  transactions |
  secureConnection |
  multiStatements |
  multiResults |
  preparedMultiResults |
  pluginAuthentication |
  connectAttributes |
  longAuthentication |
  deprecateEof |
  progress;

/** The capabilities that a target must have if its client has them. Others of these change nothing in the form of what is said. */
export const needed = protocol41 | secureConnection | pluginAuthentication | multiResults | preparedMultiResults | deprecateEof | multiStatements;

/** True if a side has the capability. */
export function can(flags: number, capability: number): boolean {
  return (flags & capability) !== 0;
}

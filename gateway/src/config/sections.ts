/** The sections whose changes a running gateway applies. */
export const liveSections = [
  'targets',
  'principals',
  'groups',
  'roles',
  'identity',
  'policies',
  'savePolicies',
  'approvals',
  'reviews',
  'alerts',
  'sinks',
  'classes',
  'retention',
  'reconcile',
] as const;
/** The sections whose changes need a restart: all other sections of the schema. */
export const startSections = ['data', 'store', 'listen', 'tls', 'keys', 'storage', 'witnesses', 'timestamps', 'limits'] as const;

/** Returns a sentence for documents and for the file that `init` writes. `mark` is put on both sides of each name. */
export function whatIsLive(mark = ''): string {
  const names = (sections: readonly string[]): string => {
    const marked = sections.map((each) => mark + each + mark);
    return `${marked.slice(0, -1).join(', ')} and ${marked.at(-1)}`;
  };
  return `A running gateway applies changes under ${names(liveSections)}; changes under ${names(startSections)} need a restart.`;
}

/** The default of `data`, relative to the configuration file. */
export const defaultData = './countersign-data';

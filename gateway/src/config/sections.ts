/** The sections of a changed file that a running gateway takes up. */
export const liveSections = ['targets', 'principals'] as const;
/** The sections whose changes need a restart: all others of the schema. */
export const startSections = ['data', 'listen', 'tls', 'rootKey', 'retention', 'limits'] as const;

/** A sentence for documents and for the file that `init` writes. `mark` stands on both sides of each name. */
export function whatIsLive(mark = ''): string {
  const names = (sections: readonly string[]): string => {
    const marked = sections.map((each) => mark + each + mark);
    return `${marked.slice(0, -1).join(', ')} and ${marked.at(-1)}`;
  };
  return `A running gateway takes up what is changed under ${names(liveSections)}; what is changed under ${names(startSections)} takes a restart.`;
}

/** Relative to the configuration file. */
export const defaultData = './countersign-data';

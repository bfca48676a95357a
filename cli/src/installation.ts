import { extname, join } from 'node:path';

/** `.ts` in a checkout, `.js` in an installed package, where the same files lie in the same folders. */
const ending = extname(import.meta.filename);

/** The command line, for child processes of the demo. */
export const mainFile = join(import.meta.dirname, `main${ending}`);
/** The agent of the demo, by its path from the folder that holds it. */
export const sampleAgent = { directory: join(import.meta.dirname, '..', '..'), path: join('examples', `support-agent${ending}`) };
/** The command that a user types to call the command line. */
export const commandName = ending === '.ts' ? './countersign' : 'countersign';

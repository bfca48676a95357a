import { readFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';

/** `.ts` in a checkout, `.js` in an installed package. Both have the same files in the same folders. */
const ending = extname(import.meta.filename);

/** The main file of the command line, for child processes of the demo. */
export const mainFile = join(import.meta.dirname, `main${ending}`);
/** The sample agent of the demo: a folder, and the agent's path in it. */
export const sampleAgent = { directory: join(import.meta.dirname, '..', '..'), path: join('examples', `support-agent${ending}`) };
/** The command that a user types to call the command line. */
export const commandName = ending === '.ts' ? './countersign' : 'countersign';

/** Returns the npm command that installs the packages that only the demo needs, beside the installed package and in the tested versions. */
export function demoInstallation(): string {
  const home = join(import.meta.dirname, '..', '..');
  const { demoDependencies }: { readonly demoDependencies: Readonly<Record<string, string>> } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  const fitting = Object.entries(demoDependencies).filter(([name]) => !/linux-/.test(name) || name.endsWith(`linux-${process.arch}`));
  const above = dirname(dirname(home));
  // npm installs global packages in `PREFIX/lib/node_modules`.
  const place = basename(above) === 'lib' ? `--global --prefix ${dirname(above)}` : `--prefix ${above}`;
  return `npm install ${place} ${fitting.map(([name, version]) => `${name}@${version}`).join(' ')}`;
}

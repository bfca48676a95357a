import { readFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';

/** `.ts` in a checkout, `.js` in an installed package, where the same files lie in the same folders. */
const ending = extname(import.meta.filename);

/** The command line, for child processes of the demo. */
export const mainFile = join(import.meta.dirname, `main${ending}`);
/** The agent of the demo, by its path from the folder that holds it. */
export const sampleAgent = { directory: join(import.meta.dirname, '..', '..'), path: join('examples', `support-agent${ending}`) };
/** The command that a user types to call the command line. */
export const commandName = ending === '.ts' ? './countersign' : 'countersign';

/** The npm command that puts beside an installed package what only the demo needs, in the versions that it was tested with. */
export function demoInstallation(): string {
  const home = join(import.meta.dirname, '..', '..');
  const { demoDependencies }: { readonly demoDependencies: Readonly<Record<string, string>> } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  const fitting = Object.entries(demoDependencies).filter(([name]) => !/linux-/.test(name) || name.endsWith(`linux-${process.arch}`));
  const above = dirname(dirname(home));
  // npm installs global packages in `PREFIX/lib/node_modules`.
  const place = basename(above) === 'lib' ? `--global --prefix ${dirname(above)}` : `--prefix ${above}`;
  return `npm install ${place} ${fitting.map(([name, version]) => `${name}@${version}`).join(' ')}`;
}

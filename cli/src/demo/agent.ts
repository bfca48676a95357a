import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { sampleAgent } from '../installation.ts';
import { spawnCli } from './typed-commands.ts';

/** Starts the sample agent by one of our commands, with a question other than its own if there is one. */
export function spawnAgent(words: readonly string[], output: 'pipe' | 'ignore', ...question: readonly string[]): ChildProcess {
  return spawnCli([...words, '--', process.execPath, join(sampleAgent.directory, sampleAgent.path), ...question], output);
}

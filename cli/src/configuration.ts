import { resolve } from 'node:path';
import type { Config, ConfigEntry } from '@countersign/gateway/config';
import type { LocationOptions } from './location-options.ts';

/** The whole configuration, valid. The gateway's own secrets need not be in our environment, unless they are `needed`. */
export async function loadConfig(options: Pick<LocationOptions, 'config'>, secrets: 'needed' | 'missing' = 'missing'): Promise<Config> {
  // Here, because most commands do without, and it brings all protocols.
  const { protocols, readConfig } = await import('@countersign/gateway/config');
  return readConfig(options.config, protocols, process.env, secrets);
}

/** Adds an entry to the configuration file, unless the file would not be valid with it. */
export async function addConfigEntry(file: string, entry: ConfigEntry): Promise<void> {
  const { addToConfig, parseConfig, protocols } = await import('@countersign/gateway/config');
  addToConfig(file, entry, (text) => {
    parseConfig(text, { file: resolve(file), protocols, environment: process.env, secrets: 'missing' });
  });
}

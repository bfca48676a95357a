import { resolve } from 'node:path';
import type { Config, ConfigEntry } from '@countersign/gateway/config';
import type { LocationOptions } from './location-options.ts';

/**
 * Reads the configuration. Rejects with GatewayError `config_invalid`. The gateway's own secrets may be missing from the environment, unless they are `needed`.
 */
export async function loadConfig(options: Pick<LocationOptions, 'config'>, secrets: 'needed' | 'missing' = 'missing'): Promise<Config> {
  // Loaded here, because most commands do not need it, and it loads all protocols.
  const { protocols, readConfig } = await import('@countersign/gateway/config');
  return readConfig(options.config, protocols, process.env, secrets);
}

/** Adds an entry to the configuration file, unless that would make the file invalid. */
export async function addConfigEntry(file: string, entry: ConfigEntry): Promise<void> {
  const { addToConfig, parseConfig, protocols } = await import('@countersign/gateway/config');
  addToConfig(file, entry, (text) => {
    parseConfig(text, { file: resolve(file), protocols, environment: process.env, secrets: 'missing' });
  });
}

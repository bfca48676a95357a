import { pino, type Logger } from 'pino';
import { GatewayError } from './domain/errors.ts';

const levels = [...Object.keys(pino.levels.values), 'silent'];

/** Opens the gateway's own log: JSON lines on standard error. It may lose lines; records may not be lost. It never holds content, tokens or keys. Throws GatewayError `config_invalid`. */
export function openLog(level: string): Logger {
  if (!levels.includes(level)) {
    throw new GatewayError('config_invalid', `COUNTERSIGN_LOG is "${level}": it is one of ${levels.join(', ')}.`);
  }
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }));
}

export type { Logger };

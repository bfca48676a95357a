import { pino, type Logger } from 'pino';

/** The gateway's own log: JSON lines on standard error. It may be lossy; records may not. Never holds content, tokens or keys. */
export function openLog(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }));
}

export type { Logger };

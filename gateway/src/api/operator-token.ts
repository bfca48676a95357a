import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import { ShownSecret } from '../identity/shown-secret.ts';
import { writeWholeFile } from '../store/whole-file.ts';

const secretBytes = 32;

/**
 * `admin.token`: what the CLI on the gateway's own machine shows; made on the first start, readable by the gateway's user only. Errors: `key_unavailable` when it
 * does not hold what was made then.
 */
export function openOperatorToken(data: string): ShownSecret {
  const file = join(data, 'admin.token');
  if (!existsSync(file)) {
    writeWholeFile(file, `${randomBytes(secretBytes).toString('hex')}\n`, { isNew: true });
  }
  const token = readFileSync(file, 'utf8').trim();
  if (!/^[0-9a-f]{64}$/.test(token)) {
    throw new GatewayError(
      'key_unavailable',
      `${file} is empty or not whole: it does not hold the operator's credential. Remove it; the next start makes a new one.`,
    );
  }
  return new ShownSecret(token);
}

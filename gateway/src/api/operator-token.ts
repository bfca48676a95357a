import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import { ShownSecret } from '../identity/shown-secret.ts';
import { writeWholeFile } from '../store/whole-file.ts';

const secretBytes = 32;

/**
 * Opens `admin.token`, the credential that commands on the gateway's own machine present. The first start makes it, readable only by the gateway's user. Throws
 * GatewayError `key_unavailable` if the file does not hold a whole credential.
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

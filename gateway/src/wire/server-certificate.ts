import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import { GatewayError } from '../domain/errors.ts';
import { reasonOf } from './failure-reason.ts';

/** Reads a listener's certificate. Throws GatewayError `config_invalid`. */
export function readServerCertificate(certificateFile: string, keyFile: string): SecureContext {
  try {
    return createSecureContext({ cert: readFileSync(certificateFile), key: readFileSync(keyFile) });
  } catch (cause) {
    const message = `The certificate ${certificateFile} with the key ${keyFile} cannot be used: ${reasonOf(cause)}.`;
    throw new GatewayError('config_invalid', message, { cause });
  }
}

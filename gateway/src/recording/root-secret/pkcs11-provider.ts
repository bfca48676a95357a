import { spawn } from 'node:child_process';
import { createSecretKey, randomBytes } from 'node:crypto';
import { GatewayError } from '../../domain/errors.ts';
import type { Pkcs11Settings } from '../../domain/root-settings.ts';
import { readSecret } from '../../store/read-secret.ts';
import { unwrapBytes, wrapKey } from '../wrapping.ts';
import { rootSecretBytes, type RootProvider } from './provider.ts';

const program = 'pkcs11-tool';
/** The program finds the PIN in this variable, so that it is in no argument. */
const pinVariable = 'COUNTERSIGN_PIN';
const programMs = 20_000;
const outputBytesMax = 4096;
const purpose = 'countersign/root-by-pkcs11';
const ivBytes = 16;
/** Bytes of an encrypted key: AES in CBC mode pads 32 bytes to three blocks. */
const encryptedBytes = 48;

/**
 * An AES key in a token that speaks PKCS#11, which never leaves it. The token encrypts a fresh key with CKM_AES_CBC_PAD, and that key wraps the root secret: so a
 * change of what is kept is found by this program, whatever the token can do. `pkcs11-tool` of OpenSC speaks with it, over pipes and without files.
 */
export class Pkcs11Provider implements RootProvider {
  readonly name: string;
  readonly #settings: Pkcs11Settings;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(settings: Pkcs11Settings, environment: NodeJS.ProcessEnv) {
    this.#settings = settings;
    this.#environment = environment;
    this.name = `pkcs11 ${settings.token}/${settings.key}`;
  }

  /** Returns `iv ‖ encrypted key ‖ wrapped secret`. */
  async wrap(secret: Uint8Array): Promise<Uint8Array> {
    const [iv, key] = [randomBytes(ivBytes), randomBytes(rootSecretBytes)];
    const encrypted = await this.#run('--encrypt', iv, key);
    const wrapped = wrapKey(createSecretKey(key), purpose, secret);
    key.fill(0);
    return Buffer.concat([iv, encrypted, wrapped]);
  }

  async unwrap(wrapped: Uint8Array): Promise<Buffer> {
    const key = await this.#run('--decrypt', wrapped.subarray(0, ivBytes), wrapped.subarray(ivBytes, ivBytes + encryptedBytes));
    if (key.length !== rootSecretBytes) {
      throw this.#unavailable('it decrypts to something that is no key: it is another key than the one that wrapped the root secret');
    }
    const secret = unwrapBytes(createSecretKey(key), purpose, wrapped.subarray(ivBytes + encryptedBytes));
    key.fill(0);
    return secret;
  }

  async #run(act: '--encrypt' | '--decrypt', iv: Uint8Array, input: Uint8Array): Promise<Buffer> {
    const { module, token, key, pin } = this.#settings;
    let read: string;
    try {
      read = readSecret(pin, this.#environment);
    } catch (cause) {
      throw this.#unavailable('its PIN cannot be read', cause);
    }
    const argv = ['--module', module, '--token-label', token, '--id', key, '--login', '--pin', `env:${pinVariable}`];
    const child = spawn(program, [...argv, act, '--mechanism', 'AES-CBC-PAD', '--iv', Buffer.from(iv).toString('hex')], {
      env: { ...this.#environment, [pinVariable]: read },
      timeout: programMs,
      killSignal: 'SIGKILL',
    });
    const output: Buffer[] = [];
    let said = '';
    let bytes = 0;
    child.stdout.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes <= outputBytesMax) {
        output.push(piece);
      }
    });
    child.stderr.on('data', (piece: Buffer) => {
      said = `${said}${piece.toString()}`.slice(-outputBytesMax);
    });
    // A program that ends early does not take its input; its exit code says so.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', (cause) => {
        reject(this.#unavailable(`${program} cannot be started: install OpenSC (Debian: apt-get install opensc)`, cause));
      });
      child.once('close', resolve);
    });
    if (code !== 0 || bytes > outputBytesMax) {
      throw this.#unavailable(`${program} says: ${faultIn(said)}. Check module, token, key (its id) and pin of the configuration, and that the token is there`);
    }
    return Buffer.concat(output);
  }

  #unavailable(why: string, cause?: unknown): GatewayError {
    return new GatewayError('key_unavailable', `The key ${this.name} does not give the root key: ${why}.`, { cause });
  }
}

/** Finds the line of the output that says what failed. */
function faultIn(said: string): string {
  const lines = said.split('\n').map((line) => line.trim());
  const fault = lines.find((line) => line.startsWith('error:')) ?? lines.findLast((line) => line !== '' && line !== 'Aborting.');
  return (fault ?? 'nothing').replaceAll(/[^\x20-\x7e]/g, ' ').slice(0, 200);
}

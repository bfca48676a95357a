import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { formatAddress } from '../../gateway/src/domain/address.ts';

interface AuthorityOptions {
  /** The arguments of `openssl` that choose the key of the signer. */
  readonly key?: readonly string[];
  /** The digest with which the signer signs. */
  readonly digest?: string;
  /** The extensions of the certificate of the signer. */
  readonly extensions?: string;
  /** When that certificate is valid, as YYYYMMDDHHMMSSZ. */
  readonly from?: string;
  readonly until?: string;
}

const extensions = 'extendedKeyUsage = critical, timeStamping\nkeyUsage = critical, digitalSignature\n';
const keyOf = (curve: string): readonly string[] => ['-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${curve}`];

/** An authority of timestamps: OpenSSL's, behind a server. */
export class TimestampAuthority implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'countersign-tsa-'));
  /** Answers in the place of the authority, if it is there. */
  answer: ((request: Buffer, response: ServerResponse) => void) | null = null;
  readonly #server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    void this.#serve(request, response);
  });

  private constructor({ key = keyOf('P-256'), digest = 'sha256', extensions: own = extensions, from, until }: AuthorityOptions) {
    const config = `[ca]\ndefault_ca = own\n[own]\ndatabase = ${this.file('index')}\nserial = ${this.file('serial')}\nnew_certs_dir = ${this.directory}\ndefault_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n[signer]\n${own}
[tsa]\ndefault_tsa = tsa1\n[tsa1]\nserial = ${this.file('tsa-serial')}\nsigner_cert = ${this.file('signer.pem')}\nsigner_key = ${this.file('signer.key')}\nsigner_digest = ${digest}\ndefault_policy = 1.2.3.4.1\ndigests = sha256\naccuracy = secs:1\ness_cert_id_chain = no\ness_cert_id_alg = sha256\n`;
    for (const [name, text] of Object.entries({ config, index: '', serial: '01\n', 'tsa-serial': '01\n' })) {
      writeFileSync(this.file(name), text);
    }
    this.#openssl([
      'req',
      '-x509',
      '-nodes',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-384',
      '-subj',
      '/CN=Root of timestamps',
      '-days',
      '30',
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
    ]);
    this.#openssl(['genpkey', ...key, '-out', 'signer.key']);
    this.#openssl(['req', '-new', '-key', 'signer.key', '-subj', '/CN=Test timestamps', '-out', 'signer.csr']);
    const times = from === undefined || until === undefined ? ['-days', '2'] : ['-startdate', from, '-enddate', until];
    this.#openssl([
      'ca',
      '-batch',
      '-notext',
      '-config',
      'config',
      '-extensions',
      'signer',
      ...times,
      '-cert',
      'ca.pem',
      '-keyfile',
      'ca.key',
      '-in',
      'signer.csr',
      '-out',
      'signer.pem',
    ]);
  }

  static async open(options: AuthorityOptions = {}): Promise<TimestampAuthority> {
    const authority = new TimestampAuthority(options);
    await new Promise<void>((resolve) => {
      authority.#server.listen(0, '127.0.0.1', resolve);
    });
    return authority;
  }

  get url(): string {
    return `http://${formatAddress(this.#server.address())}/tsr`;
  }

  /** The certificate of the authority at the root. */
  get root(): Buffer {
    return readFileSync(this.file('ca.pem'));
  }

  file(name: string): string {
    return join(this.directory, name);
  }

  /** Answers a request as OpenSSL does. */
  reply(request: Uint8Array): Buffer {
    writeFileSync(this.file('request'), request);
    this.#openssl(['ts', '-reply', '-config', 'config', '-queryfile', 'request', '-out', 'reply']);
    return readFileSync(this.file('reply'));
  }

  /** Makes the token over a text. */
  stamp(text: Uint8Array, more: readonly string[] = ['-sha256', '-cert']): Buffer {
    writeFileSync(this.file('data'), text);
    this.#openssl(['ts', '-query', '-data', 'data', ...more, '-out', 'query']);
    this.#openssl(['ts', '-reply', '-config', 'config', '-queryfile', 'query', '-token_out', '-out', 'token']);
    return readFileSync(this.file('token'));
  }

  /** Signs again what a token says, maybe changed, where OpenSSL itself would stamp nothing, or not in this way. */
  signAgain(token: Uint8Array, more: readonly string[] = [], change: (info: Buffer) => Buffer = (info) => info): Buffer {
    writeFileSync(this.file('token'), token);
    this.#openssl(['cms', '-verify', '-noverify', '-inform', 'DER', '-in', 'token', '-out', 'info']);
    writeFileSync(this.file('info'), change(readFileSync(this.file('info'))));
    const type = ['-econtent_type', '1.2.840.113549.1.9.16.1.4', '-cades'];
    this.#openssl([
      'cms',
      '-sign',
      '-binary',
      '-nodetach',
      '-in',
      'info',
      ...type,
      '-signer',
      'signer.pem',
      '-inkey',
      'signer.key',
      '-outform',
      'DER',
      '-out',
      'signed',
      ...more,
    ]);
    return readFileSync(this.file('signed'));
  }

  /** Throws unless OpenSSL verifies the token. */
  verify(text: Uint8Array, token: Uint8Array): void {
    writeFileSync(this.file('data'), text);
    writeFileSync(this.file('token'), token);
    this.#openssl(['ts', '-verify', '-data', 'data', '-in', 'token', '-token_in', '-CAfile', 'ca.pem']);
  }

  #openssl(words: readonly string[]): void {
    execFileSync('openssl', words, { cwd: this.directory, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    if (this.answer !== null) {
      this.answer(body, response);
    } else if (request.headers['content-type'] === 'application/timestamp-query') {
      response.setHeader('content-type', 'application/timestamp-reply').end(this.reply(body));
    } else {
      response.writeHead(400).end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Writes a value of DER. */
export function derOf(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...head), content]);
}

/** Returns what a timestamp says with another time. */
export function withTime(info: Buffer, timeMs: number): Buffer {
  const time = Buffer.from(`${new Date(timeMs).toISOString().slice(0, 19).replaceAll(/[-T:]/g, '')}Z`);
  const changed = Buffer.from(info);
  // Its tag and its length stand before it.
  time.copy(changed, info.indexOf('180f', 0, 'hex') + 2);
  return changed;
}

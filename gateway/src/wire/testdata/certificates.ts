import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestCertificate {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly certificate: Buffer;
  readonly key: Buffer;
}

const usualKind: readonly string[] = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-sha256'];

/** Makes a self-signed certificate with openssl. `kind` are the arguments that choose key and signature. */
export function makeCertificate(kind = usualKind, names = 'DNS:localhost,IP:127.0.0.1'): TestCertificate {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-certificate-'));
  const certificateFile = join(directory, 'certificate.pem');
  const keyFile = join(directory, 'key.pem');
  const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${names}`];
  const files = ['-keyout', keyFile, '-out', certificateFile];
  execFileSync('openssl', ['req', '-x509', '-nodes', '-days', '2', ...subject, ...kind, ...files], { stdio: 'ignore' });
  const made = { certificateFile, keyFile, certificate: readFileSync(certificateFile), key: readFileSync(keyFile) };
  process.once('exit', () => {
    rmSync(directory, { recursive: true });
  });
  return made;
}

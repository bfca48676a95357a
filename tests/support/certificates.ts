import { makeCertificate, type TestCertificate } from '../../gateway/src/wire/testdata/certificates.ts';

export interface CertificateChain {
  readonly authority: TestCertificate;
  /** For `localhost` and 127.0.0.1, signed by the authority. */
  readonly server: TestCertificate;
}

/** An authority and a server it vouches for, made by openssl. */
export function makeCertificateChain(): CertificateChain {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-sha256'];
  const authority = makeCertificate([...key, '-subj', '/CN=test authority']);
  const server = makeCertificate([...key, '-CA', authority.certificateFile, '-CAkey', authority.keyFile]);
  return { authority, server };
}

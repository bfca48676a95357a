import type { Algorithms } from 'ssh2';

/**
 * The algorithms that the gateway speaks, to clients and to targets: none with SHA-1, CBC or DSA. ssh2 always offers strict key exchange, so that nobody in between can remove
 * messages (Terrapin, CVE-2023-48795). The ciphers and codes that this attack needs, chacha20-poly1305 and encrypt-then-MAC, are not here either, for peers without strict key
 * exchange. Diffie-Hellman over large primes is not here, because whoever may connect could keep the gateway busy with it (CVE-2002-20001).
 */
export const algorithms = {
  kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384', 'ecdh-sha2-nistp521'],
  cipher: ['aes256-gcm@openssh.com', 'aes128-gcm@openssh.com', 'aes256-ctr', 'aes128-ctr'],
  hmac: ['hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
} as const satisfies Algorithms;

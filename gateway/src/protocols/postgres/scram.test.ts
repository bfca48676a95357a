import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { GatewayError } from '../../domain/errors.ts';
import { answerChallenge, checkServerFinal, clientFirst, iterationsMax } from './scram.ts';

/** RFC 7677 §3 */
const vector = {
  options: { user: 'user', password: 'pencil', nonce: 'rOprNGfwEbeRWgbNEkqO', binding: null },
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
} as const;

const isLoginFailure = (error: unknown): boolean => error instanceof GatewayError && error.code === 'target_login_failed';

test('the exchange of RFC 7677', async () => {
  assert.equal(clientFirst(vector.options), vector.clientFirst);
  const answer = await answerChallenge(vector.options, vector.serverFirst);
  assert.equal(answer.text, vector.clientFinal);
  checkServerFinal(vector.serverFinal, answer);
});

test('a server that does not know the password is found out', async () => {
  const answer = await answerChallenge(vector.options, vector.serverFirst);
  const forged = [
    'v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    'v=6rri',
    'v=',
    '',
    'e=other-error',
    `${vector.serverFinal},x=1`,
    vector.serverFinal.slice(0, -1),
  ];
  for (const final of forged) {
    assert.throws(() => {
      checkServerFinal(final, answer);
    }, isLoginFailure);
  }
});

test('channel binding is part of the signed data', async () => {
  const bound = { ...vector.options, binding: Buffer.from('certificate hash') };
  assert.ok(clientFirst(bound).startsWith('p=tls-server-end-point,,'));
  const answer = await answerChallenge(bound, vector.serverFirst);
  const header = Buffer.from('p=tls-server-end-point,,certificate hash').toString('base64');
  assert.ok(answer.text.startsWith(`c=${header},`));
  // Who was offered no PLUS under TLS says so, and a server that had offered it notices that somebody took it away.
  assert.ok(clientFirst({ ...vector.options, binding: 'unsupported' }).startsWith('y,,'));
});

test('A7: what the server asks for is bounded and checked', async () => {
  const nonce = `${vector.options.nonce}more`;
  const challenges = [
    `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=${iterationsMax + 1}`,
    `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4294967297`,
    `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999999999999999`,
    `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=-1`,
    `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0`,
    `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0x10`,
    `r=${nonce},s=,i=4096`,
    `r=${nonce},s=!!!!,i=4096`,
    `r=${vector.options.nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
    'r=another,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    `r=${nonce},s=${'A'.repeat(8192)},i=4096`,
    `m=ext,r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
    '',
  ];
  for (const challenge of challenges) {
    await assert.rejects(answerChallenge(vector.options, challenge), isLoginFailure, challenge.slice(0, 80));
  }
});

test('passwords are prepared as SASLprep says', async () => {
  const proof = async (password: string): Promise<string> => (await answerChallenge({ ...vector.options, password }, vector.serverFirst)).text;
  assert.equal(await proof('IX'), await proof('\u2168'), 'NFKC');
  assert.equal(await proof('IX'), await proof('I\u00adX'), 'mapped to nothing');
  assert.equal(await proof('a b'), await proof('a\u00a0b'), 'other spaces');
  assert.notEqual(await proof('\u0007é'), await proof('é'), 'what is forbidden is used as it is');
});

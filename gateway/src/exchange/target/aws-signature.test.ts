import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { CallHead } from '../../domain/call.ts';
import { signAws, type AwsSigner } from './aws-signature.ts';

interface Vector {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers: CallHead['headers'];
  readonly body?: string;
  readonly signature: string;
}

/** The key of the test suite that AWS published for Signature Version 4. */
const suiteKey: AwsSigner = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
  service: 'service',
};
const suiteTime = new Date('2015-08-30T12:36:00Z');
const unreserved = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const host = ['host', 'example.amazonaws.com'] as const;
const suite: readonly Vector[] = [
  { name: 'get-vanilla', method: 'GET', path: '/', headers: [host], signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31' },
  { name: 'post-vanilla', method: 'POST', path: '/', headers: [host], signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b' },
  {
    name: 'get-unreserved',
    method: 'GET',
    path: `/${unreserved}`,
    headers: [host],
    signature: '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
  },
  {
    name: 'get-vanilla-query-unreserved',
    method: 'GET',
    path: `/?${unreserved}=${unreserved}`,
    headers: [host],
    signature: '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
  },
  {
    name: 'get-vanilla-query-order-key-case',
    method: 'GET',
    path: '/?Param2=value2&Param1=value1',
    headers: [host],
    signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  },
  {
    name: 'get-vanilla-utf8-query',
    method: 'GET',
    path: '/?%E1%88%B4=bar',
    headers: [host],
    signature: '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04',
  },
  {
    name: 'get-header-key-duplicate',
    method: 'GET',
    path: '/',
    headers: [host, ['my-header1', 'value2'], ['my-header1', 'value2'], ['my-header1', 'value1']],
    signature: 'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
  },
  {
    name: 'get-header-value-trim',
    method: 'GET',
    path: '/',
    headers: [host, ['my-header1', ' value1'], ['my-header2', ' "a   b   c"']],
    signature: 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  },
  {
    name: 'post-x-www-form-urlencoded',
    method: 'POST',
    path: '/',
    headers: [['content-type', 'application/x-www-form-urlencoded'], host, ['content-length', '13']],
    body: 'Param1=value1',
    signature: 'd3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b',
  },
];

/** The examples of the documentation of S3. */
const storageKey: AwsSigner = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
  service: 's3',
};
const storageTime = new Date('2013-05-24T00:00:00Z');
const bucket = ['host', 'examplebucket.s3.amazonaws.com'] as const;
const storage: readonly Vector[] = [
  {
    name: 'PUT object',
    method: 'PUT',
    path: '/test%24file.text',
    headers: [bucket, ['date', 'Fri, 24 May 2013 00:00:00 GMT'], ['x-amz-storage-class', 'REDUCED_REDUNDANCY']],
    body: 'Welcome to Amazon S3.',
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    name: 'GET lifecycle',
    method: 'GET',
    path: '/?lifecycle',
    headers: [bucket],
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    name: 'GET list',
    method: 'GET',
    path: '/?max-keys=2&prefix=J',
    headers: [bucket],
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
];

const signatureOf = (credential: ReturnType<typeof signAws>): string => /Signature=([\da-f]{64})$/.exec(header(credential, 'authorization') ?? '')?.[1] ?? '';
const header = ({ headers }: ReturnType<typeof signAws>, wanted: string): string | undefined => headers.find(([name]) => name === wanted)?.[1];

for (const [title, vectors, key, time] of [
  ['the published suite', suite, suiteKey, suiteTime],
  ['the documentation of S3', storage, storageKey, storageTime],
] as const) {
  for (const { name, body, signature, ...head } of vectors) {
    test(`signatures of ${title}: ${name}`, () => {
      const signed = signAws(head, body === undefined ? [] : [Buffer.from(body.slice(0, 5)), Buffer.from(body.slice(5))], key, time);
      assert.equal(signatureOf(signed), signature);
    });
  }
}

test('a client’s signature is replaced, and its claim about the body is not used', () => {
  const { name: _name, signature, ...head } = suite[0] ?? assert.fail();
  const forged = signAws(
    { ...head, headers: [...head.headers, ['authorization', 'AWS4-HMAC-SHA256 x'], ['x-amz-date', '20000101T000000Z']] },
    [],
    suiteKey,
    suiteTime,
  );
  assert.equal(signatureOf(forged), signature);
  const lied = signAws({ ...head, headers: [...head.headers, ['x-amz-content-sha256', 'UNSIGNED-PAYLOAD']] }, [], suiteKey, suiteTime);
  assert.equal(header(lied, 'x-amz-content-sha256'), createHash('sha256').digest('hex'));
});

test('a body that is not complete is declared as unsigned, and a body that was signed in pieces is refused', () => {
  const put = { method: 'PUT', path: '/a', headers: [bucket, ['content-length', '3000']] } satisfies CallHead;
  assert.equal(header(signAws(put, [Buffer.from('first')], storageKey, storageTime), 'x-amz-content-sha256'), 'UNSIGNED-PAYLOAD');
  const framed = (framing: string) => signAws({ ...put, headers: [...put.headers, ['x-amz-content-sha256', framing]] }, [], storageKey, storageTime);
  assert.equal(header(framed('STREAMING-UNSIGNED-PAYLOAD-TRAILER'), 'x-amz-content-sha256'), 'STREAMING-UNSIGNED-PAYLOAD-TRAILER');
  assert.throws(() => framed('STREAMING-AWS4-HMAC-SHA256-PAYLOAD'), { code: 'unsupported' });
});

test("a path that no signature can be made for is the client's mistake", () => {
  assert.throws(() => signAws({ method: 'GET', path: '/%E4', headers: [bucket] }, [], storageKey, storageTime), { code: 'malformed' });
});

import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { builtInClasses, ClassSets } from '../../gateway/src/surface/classes.ts';
import type { FindParts } from '../../gateway/src/content/text-frame.ts';
import { maskChange } from '../../gateway/src/controls/masks/mask-change.ts';
import type { TextChange } from '../../gateway/src/domain/text-change.ts';
import { ChangedAnswer } from '../../gateway/src/exchange/answer/changed-answer.ts';
import { DecodedAnswer } from '../../gateway/src/exchange/answer/decoded-answer.ts';
import { LookedAnswer } from '../../gateway/src/exchange/answer/looked-answer.ts';
import { ReceivedAnswer } from '../../gateway/src/exchange/answer/testdata/received-answer.ts';
import type { CallReceiver } from '../../gateway/src/domain/call.ts';
import { looking } from '../../gateway/src/following/testdata/looking.ts';
import { textLook } from '../../gateway/src/following/text-look.ts';
import type { Served, ServedShape } from './contract.ts';
import { encode } from './stream-server.ts';

const classes = new ClassSets([]);
const key = createSecretKey(Buffer.alloc(32, 7));
const methods = new Map(builtInClasses.map(({ name }) => [name, 'redact'] as const));
const frameBytesMax = 1024 * 1024;

/** Makes a mask of all built-in classes. */
export function maskAll(): TextChange {
  return maskChange({ methods, classes: [...methods.keys()], policies: [] }, 'target', {
    keys: { record: key, hash: key, pseudonym: key },
    classSet: (names) => classes.of(names),
    classesOf: () => [],
  });
}

/** Cuts bytes, or a text, at any places. */
export function cutAnywhere<Whole extends { readonly length: number; subarray(start?: number, end?: number): Whole }>(
  whole: Whole,
): fc.Arbitrary<readonly Whole[]> {
  return fc.array(fc.nat(whole.length), { maxLength: 12 }).map((cuts) => {
    const places = [0, ...cuts.toSorted((one, other) => one - other), whole.length];
    return places.slice(1).map((end, i) => whole.subarray(places[i], end));
  });
}

/** Gives an answer in these pieces to a stage. */
function send({ headers = {}, status = 200, coding }: Served, pieces: readonly Buffer[], answer: CallReceiver): void {
  const named = coding === undefined ? headers : { 'content-encoding': coding, ...headers };
  answer.onHead({ status, statusText: 'OK', rawHeaders: Object.entries(named).flat() });
  for (const piece of pieces) {
    answer.onBytes(Buffer.from(piece));
  }
  answer.onEnd([]);
}

/** Lets an answer in these pieces through the stages that mask it. Returns the body that the client gets, and the error that ends it. */
async function masked(served: Served, pieces: readonly Buffer[], findParts: FindParts | null): Promise<readonly [Buffer, string | null]> {
  const received = new ReceivedAnswer();
  const answer = new DecodedAnswer(new ChangedAnswer({ changes: [maskAll()], frameBytesMax, findParts }, received));
  send(served, pieces, answer);
  await received.over;
  return [received.bodyBytes, received.error?.code ?? null];
}

/** Lets an answer in these pieces through the stage that only looks. Returns the body that the client gets, the classes that were seen, and whether all of it was. */
async function looked(served: Served, pieces: readonly Buffer[], findParts: FindParts | null): Promise<readonly [Buffer, readonly string[], boolean]> {
  const received = new ReceivedAnswer();
  const look = textLook(['email', 'card'], 'target', looking);
  const answer = new LookedAnswer({ changes: [look], frameBytesMax, findParts }, received);
  send(served, pieces, answer);
  await received.over;
  const seen = look.look?.seen() ?? null;
  return [received.bodyBytes, seen?.classes ?? [], seen?.isInspected ?? true];
}

/** Asserts that a look lets an answer of this shape pass as it is, and sees the same in it, however its bytes are cut. */
async function assertLookedAlike(shape: ServedShape, served: Served, findParts: FindParts | null): Promise<void> {
  const bytes = encode(served.body, served.coding);
  const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  for (const pieces of [[bytes], single, [bytes.subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2)]]) {
    const [body, found, isInspected] = await looked(served, pieces, findParts);
    assert.ok(body.equals(bytes), shape.name);
    const isSeen = isInspected && found.join() === 'card,email';
    assert.ok(shape.outcome === 'masked' ? isSeen : isSeen || !isInspected, `${shape.name}: ${found.join()} ${isInspected} in ${pieces.length} pieces`);
  }
}

/** Asserts that an answer of this shape is masked in the same way however its bytes are cut, and that all else in it stays. */
export async function assertMaskedAlike(shape: ServedShape, findParts: FindParts | null): Promise<void> {
  const served = shape.serve('to ada.lovelace7c1a@example.com; paid with 4111 1111 1111 1111 for order 4111-2200-17');
  const expected = shape.serve('to [email]; paid with [card] for order 4111-2200-17');
  const bytes = encode(served.body, served.coding);
  const read = (body: Buffer): string => shape.read?.(body) ?? body.toString();
  await assertLookedAlike(shape, served, findParts);
  const whole = await masked(served, [bytes], findParts);
  if (shape.outcome === 'refused') {
    assert.ok(whole[1] !== null && !whole[0].includes('lovelace'), shape.name);
    return;
  }
  assert.deepEqual([read(whole[0]), whole[1]], [read(expected.body), null], shape.name);
  const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  assert.deepEqual(await masked(served, single, findParts), whole, `${shape.name}, byte by byte`);
  await fc.assert(
    fc.asyncProperty(cutAnywhere(bytes), async (pieces) => {
      assert.deepEqual(await masked(served, pieces, findParts), whole, shape.name);
    }),
    { numRuns: 20 },
  );
}

import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { closedSession, SessionTable, unknownSession } from './session-table.ts';

/** Ids that differ in their last bytes only, then in their first only. */
function idOf(n: number): DataView {
  const view = new DataView(new ArrayBuffer(20));
  view.setUint32(n % 2 === 0 ? 4 : 16, n);
  return view;
}

void test('C28: the table of sessions says what a Map says, through growth, closing and reuse', () => {
  const action = fc.tuple(fc.constantFrom('open', 'close', 'advance'), fc.nat(3000));
  fc.assert(
    fc.property(fc.array(action, { minLength: 1000, maxLength: 6000 }), (actions) => {
      const table = new SessionTable();
      const model = new Map<number, number | 'closed'>();
      for (const [what, n] of actions) {
        const id = idOf(n);
        const slot = table.find(id, 4);
        const known = model.get(n);
        assert.equal(slot === unknownSession, known === undefined);
        assert.equal(slot === closedSession, known === 'closed');
        if (what === 'open' && known === undefined) {
          assert.equal(table.nextSeq(table.open(id, 4)), 0);
          model.set(n, 0);
        } else if (what === 'close' && typeof known === 'number') {
          table.close(id, 4);
          model.set(n, 'closed');
        } else if (what === 'advance' && typeof known === 'number') {
          const leafHash = new Uint8Array(32).fill(n);
          assert.equal(table.nextSeq(slot), known);
          table.advance(slot, { seq: known, leafHash, epoch: n });
          assert.equal(table.previousIs(slot, new DataView(leafHash.buffer), 0), true);
          assert.equal(table.previousIs(slot, new DataView(new ArrayBuffer(32)), 0), n % 256 === 0);
          model.set(n, known + 1);
        }
      }
      const open = [...model].filter(([, state]) => state !== 'closed');
      assert.equal(table.size, model.size);
      assert.equal(table.openCount, open.length);
      assert.deepEqual(
        new Set([...table.openSessions()].map(({ session }) => session)),
        new Set(open.map(([n]) => Buffer.from(idOf(n).buffer).subarray(4).toString('hex'))),
      );
    }),
    { numRuns: 20 },
  );
});

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AskEstimate, Attributes } from '../../domain/action.ts';
import type { ApprovalState } from '../../domain/approval.ts';
import { GatewayError } from '../../domain/errors.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { CredentialEnd, Identity, Principal } from '../../domain/principal.ts';
import { noHistory } from '../../policy/no-history.ts';
import type { Target } from '../../domain/target.ts';
import type { Act, HeldAct, Objection } from '../control.ts';
import { Approvals } from './approvals.ts';
import { digestOf } from './digest.ts';
import { standIns, type Granter } from './granters.ts';

const target: Target = { name: 'orders', protocol: 'any', scheme: 'any', host: 'h', port: 1, path: '', user: '', durability: 'disk', options: {} };
const waitMs = 600_000;

function principalOf(id: string, ...groups: string[]): Principal {
  return { id, kind: 'agent', groups, targets: ['orders'] };
}

function granterOf(principal: Principal, more: Partial<Identity> = {}): Granter {
  const standing = { principal, expiresMs: Infinity, ended: () => null, onEnd: () => () => undefined };
  return { identity: { principal, tokenId: 't', standing, ...more } };
}

const operator: Granter = { identity: null };

interface Asked {
  readonly said: string;
  readonly mode: 'wait' | 'return';
  outcome: Objection | undefined;
  readonly leave: () => void;
}

/** Approvals with a clock, principals and policies that a test changes, and a gate that lets through what they let through. */
class World implements Disposable {
  nowMs = 0;
  /** True while nothing can be recorded. */
  isFull = false;
  version = 'v1';
  readonly principals = new Map([principalOf('bot'), principalOf('ann', 'dba'), principalOf('bob', 'dba', 'security')].map((each) => [each.id, each]));
  readonly left = new Set<string>();
  /** The texts of the steps that were told to others. */
  readonly told: string[] = [];
  /** The steps that were recorded, by approval. */
  readonly steps: { readonly id: string; readonly state: string; readonly attributes: Attributes }[] = [];
  readonly #ends: ((end: CredentialEnd) => void)[] = [];
  readonly #ended: ((error: GatewayError) => void)[] = [];
  #ids = 0;
  approvals = this.#begin();

  #begin(): Approvals {
    return new Approvals({
      settings: () => ({ waitMs, mode: null }),
      store: { add: ({ approval }) => this.left.add(approval), remove: (approval) => this.left.delete(approval) },
      policyVersion: () => this.version,
      findPrincipal: (id) => this.principals.get(id),
      textOf: ({ bytes }) => Buffer.concat(bytes).toString(),
      onStep: ({ step, view }) => this.told.push(`${step} ${view.text}`),
      newId: () => `ap_${(this.#ids += 1)}`,
      now: () => this.nowMs,
    });
  }

  /** Ends all that is in memory, as a stop or a crash does. The next start tells what became of the approvals that are left. */
  restart(how: 'stop' | 'crash'): void {
    if (how === 'stop') {
      this.approvals[Symbol.dispose]();
      assert.deepEqual([...this.left], [], 'a stop leaves none');
    }
    this.left.clear();
    this.#ends.length = 0;
    this.#ended.length = 0;
    this.approvals = this.#begin();
  }

  act(said: string, mode: 'wait' | 'return', more: Partial<Act['asker']> = {}, waitMsMax = Infinity): Act {
    const principal = this.principals.get('bot') ?? assert.fail();
    const asker = { principal, onBehalfOf: null, run: null, within: null, session: 's', address: '::1', history: noHistory, ...more };
    return {
      asker,
      target,
      action: { name: 'any.ask', attributes: {}, onHold: { mode, waitMsMax } },
      timeMs: 0,
      bytes: [Buffer.from(said)],
      isWhole: true,
      isPart: false,
    };
  }

  async ask(
    said: string,
    mode: 'wait' | 'return',
    {
      groups = 'dba',
      breakglass,
      waitMsMax,
      isFactsOnly = false,
      estimate,
      ...more
    }: {
      readonly groups?: string;
      readonly breakglass?: string;
      readonly waitMsMax?: number;
      readonly isFactsOnly?: boolean;
      readonly estimate?: AskEstimate;
    } & Partial<Act['asker']> = {},
  ): Promise<Asked> {
    const plain = this.act(said, mode, more, waitMsMax);
    const act = estimate === undefined ? plain : { ...plain, action: { ...plain.action, estimate: () => estimate } };
    const leaving = new AbortController();
    const held: HeldAct = {
      session: 's',
      seq: 1,
      record: 'l/1',
      decision: { verdict: 'hold', policies: ['p'], policyVersion: this.version, reason: 'a rule', obligations: [] },
      standing: {
        principal: act.asker.principal,
        expiresMs: Infinity,
        ended: () => null,
        onEnd: (end) => {
          this.#ends.push(end);
          return () => undefined;
        },
      },
      isFactsOnly,
      withdrawn: leaving.signal,
      onEnded: (end) => {
        this.#ended.push(end);
        return () => undefined;
      },
      tell: () => undefined,
      note: (attributes) => {
        if (this.isFull) {
          throw new GatewayError('cannot_record', 'The disk is full.');
        }
        this.steps.push({ id: String(attributes[ownAttributes.approvalId]), state: String(attributes[ownAttributes.approvalState]), attributes });
        return `l/${this.steps.length}`;
      },
    };
    const admitted = this.approvals.admit(act, { kind: 'approval', parameters: { groups, ...(breakglass === undefined ? {} : { breakglass }) } });
    const answer = typeof admitted === 'function' ? admitted(held) : admitted;
    const asked: Asked = { said, mode, outcome: undefined, leave: () => leaving.abort() };
    void (async () => {
      asked.outcome = await answer;
    })();
    await settled();
    return asked;
  }

  endCredential(): void {
    for (const end of this.#ends.splice(0)) {
      end({ reason: 'revoked', error: new GatewayError('unauthenticated', 'revoked') });
    }
  }

  endSession(): void {
    for (const end of this.#ended.splice(0)) {
      end(new GatewayError('halted', 'The session was halted.'));
    }
  }

  [Symbol.dispose](): void {
    this.approvals[Symbol.dispose]();
  }
}

async function settled(): Promise<void> {
  await new Promise(setImmediate);
}

function isLetGo({ outcome }: Asked): boolean {
  return typeof outcome === 'object' && outcome !== null && outcome.objection === null;
}

function refused(act: () => unknown): string {
  try {
    act();
    return 'done';
  } catch (error) {
    return error instanceof GatewayError ? error.code : assert.fail();
  }
}

type Step =
  | { readonly do: 'ask'; readonly said: string; readonly mode: 'wait' | 'return' }
  | { readonly do: 'grant' | 'deny'; readonly nth: number; readonly by: 'ann' | 'bob' | 'bot' | 'operator' }
  | { readonly do: 'leave'; readonly nth: number }
  | { readonly do: 'later'; readonly ms: number }
  | { readonly do: 'policy' | 'groups' | 'credential' | 'stop' | 'crash' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('ask' as const), said: fc.constantFrom('a', 'b'), mode: fc.constantFrom('wait' as const, 'return' as const) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('grant' as const, 'grant' as const, 'deny' as const),
      nth: fc.nat(5),
      by: fc.constantFrom('ann' as const, 'bob' as const, 'bot' as const, 'operator' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), nth: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('later' as const), ms: fc.constantFrom(1, 400, 1001) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('policy' as const, 'groups' as const, 'credential' as const, 'stop' as const, 'crash' as const) }) },
);

test('B20: however grants, denials, expiry, changes, departures, resends and restarts come: nothing goes on without all its grants, and nothing twice for one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('dba', 'dba,security'), fc.array(step, { minLength: 5, maxLength: 40 }), async (groups, steps) => {
      using world = new World();
      /** The model: who granted each approval that is open, when it was asked for, and what it is for. */
      const model = new Map<string, { readonly said: string; readonly askedMs: number; readonly by: Set<string> }>();
      const asked: Asked[] = [];
      /** Those of them whose connections are there. */
      let here: Asked[] = [];
      const spent = new Set<string>();
      const judge = (): void => {
        for (const each of asked.filter(isLetGo)) {
          const { approval } = Object.assign({ approval: { approval: '' } }, each.outcome);
          if (spent.has(`${approval.approval} by ${asked.indexOf(each)}`)) {
            continue;
          }
          const known = model.get(approval.approval) ?? assert.fail('what goes on has an approval that is open');
          assert.equal(known.said, each.said, 'it is for the same bytes');
          assert.ok(known.by.size >= groups.split(',').length, 'all groups have granted, by distinct people');
          assert.ok(!known.by.has('bot'));
          assert.ok(world.nowMs - known.askedMs < waitMs, 'in time');
          model.delete(approval.approval);
          spent.add(`${approval.approval} by ${asked.indexOf(each)}`);
        }
      };
      for (const next of steps) {
        const ids = [...model.keys()];
        if (next.do === 'ask') {
          const one = await world.ask(next.said, next.mode, { groups });
          asked.push(one);
          here.push(one);
          for (const { approval, state } of world.approvals.list()) {
            if (state === 'waiting' && !model.has(approval)) {
              model.set(approval, { said: next.said, askedMs: world.nowMs, by: new Set() });
            }
          }
        } else if (next.do === 'grant' || next.do === 'deny') {
          const id = ids[next.nth % Math.max(ids.length, 1)] ?? 'none';
          const by = next.by === 'operator' ? operator : granterOf(world.principals.get(next.by) ?? assert.fail());
          const was = refused(() => (next.do === 'grant' ? world.approvals.grant(id, by, '') : world.approvals.deny(id, by, 'no')));
          if (was === 'done' && next.do === 'grant') {
            model.get(id)?.by.add(next.by);
          } else if (was === 'done') {
            model.delete(id);
          }
          assert.ok(next.by !== 'bot' || was !== 'done', 'nobody grants their own');
        } else if (next.do === 'leave') {
          here[next.nth % Math.max(here.length, 1)]?.leave();
        } else if (next.do === 'later') {
          world.nowMs += next.ms;
        } else if (next.do === 'credential') {
          world.endCredential();
          model.clear();
        } else if (next.do === 'stop' || next.do === 'crash') {
          world.restart(next.do);
          here = [];
          model.clear();
        } else {
          world.version = next.do === 'policy' ? `${world.version}+` : world.version;
          const bot = world.principals.get('bot') ?? assert.fail();
          world.principals.set('bot', next.do === 'groups' ? { ...bot, groups: [...bot.groups, 'more'] } : bot);
          world.approvals.recheck();
          model.clear();
        }
        await settled();
        judge();
        const ended = new Set<ApprovalState>(['denied', 'expired', 'withdrawn', 'spent']);
        for (const { approval, state } of world.approvals.list()) {
          assert.equal(world.left.has(approval), !ended.has(state), 'the file names exactly those that are open');
        }
      }
      const spentSteps = world.steps.filter(({ state }) => state === 'spent').map(({ id }) => id);
      assert.equal(new Set(spentSteps).size, spentSteps.length, 'no approval is spent twice');
      assert.equal(spentSteps.length, asked.filter(isLetGo).length, 'and what went on is on record');
    }),
    { numRuns: 300 },
  );
});

test('B20: a grant is of somebody else, of the group, and no run; several groups need several people, in any order', async () => {
  using world = new World();
  const { approvals, principals } = world;
  const [ann, bob] = [principals.get('ann') ?? assert.fail(), principals.get('bob') ?? assert.fail()];
  await world.ask('x', 'return', { groups: 'dba,security', onBehalfOf: 'eve' });
  const id = approvals.list()[0]?.approval ?? '';
  const grant = (by: Granter): string => refused(() => approvals.grant(id, by, ''));
  assert.equal(grant(granterOf(principalOf('bot', 'dba'))), 'refused');
  assert.equal(grant(granterOf(principalOf('eve', 'dba'))), 'refused', 'it acts for her');
  assert.equal(grant(granterOf(principalOf('kim', 'dba'), { onBehalfOf: 'bot' })), 'refused', 'who acts for the requester');
  assert.equal(grant(granterOf(ann, { session: 'r' })), 'refused', 'a run');
  assert.equal(grant(granterOf(principalOf('max', 'others'))), 'refused');
  assert.equal(grant(granterOf(bob)), 'done');
  assert.equal(grant(granterOf(bob)), 'conflict', 'one person is one person');
  assert.deepEqual(approvals.find(id)?.state, 'waiting');
  assert.equal(grant(granterOf(ann)), 'done', 'bob stands for security then');
  assert.deepEqual(approvals.find(id)?.state, 'granted');
  assert.equal(grant(operator), 'conflict');
  assert.equal(isLetGo(await world.ask('x', 'return', { groups: 'dba,security', onBehalfOf: 'eve' })), true);
});

test('B20: a grant is taken back as long as it was not used, by whoever could have denied; the request is refused then, with the reason', async () => {
  using world = new World();
  const { approvals, principals } = world;
  const [ann, bob] = [principals.get('ann') ?? assert.fail(), principals.get('bob') ?? assert.fail()];
  const idOf = async (said: string): Promise<string> => {
    await world.ask(said, 'return');
    const id = approvals.list().at(-1)?.approval ?? '';
    approvals.grant(id, granterOf(ann), '');
    return id;
  };
  const id = await idOf('x');
  assert.equal(
    refused(() => approvals.deny(id, granterOf(principalOf('max', 'others')), 'no')),
    'refused',
  );
  assert.equal(approvals.deny(id, granterOf(bob), 'not today').state, 'denied');
  const again = await world.ask('x', 'return');
  assert.equal(isLetGo(again), false);
  assert.match(JSON.stringify(again.outcome), /bob denied it: not today/);
  const used = await idOf('y');
  assert.equal(isLetGo(await world.ask('y', 'return')), true);
  assert.equal(
    refused(() => approvals.deny(used, granterOf(bob), 'too late')),
    'conflict',
  );
  const late = await idOf('z');
  world.nowMs += waitMs;
  assert.equal(
    refused(() => approvals.deny(late, granterOf(bob), 'too late')),
    'conflict',
  );
  assert.deepEqual(approvals.find(late)?.state, 'expired');
});

test('B20: the glass is broken by the person who asks alone, of all groups that policies name, for a request that all of them let go on', async () => {
  using world = new World();
  const { approvals, principals } = world;
  const dan: Principal = { ...principalOf('bot', 'oncall'), kind: 'human' };
  const try_ = async (breakglass: string | undefined, by: Granter): Promise<string> => {
    await world.ask('x', 'return', { groups: 'dba,security', ...(breakglass === undefined ? {} : { breakglass }) });
    const id = approvals.list().at(-1)?.approval ?? '';
    const outcome = refused(() => approvals.breakGlass(id, by, 'outage'));
    if (outcome !== 'done') {
      approvals.deny(id, operator, '');
      world.nowMs += waitMs;
    }
    return outcome;
  };
  assert.equal(await try_('oncall', granterOf(principalOf('bot', 'oncall'))), 'refused', 'an agent');
  principals.set('bot', dan);
  assert.equal(await try_(undefined, granterOf(dan)), 'refused', 'no policy says so');
  assert.equal(await try_('oncall,others', granterOf(dan)), 'refused', 'one of two policies names another group');
  assert.equal(await try_('oncall', granterOf({ ...dan, id: 'kim' })), 'refused', 'somebody else');
  assert.equal(await try_('oncall', granterOf(dan, { session: 'r' })), 'refused', 'a run');
  assert.equal(await try_('oncall', operator), 'refused');
  assert.equal(await try_('oncall', granterOf(dan)), 'done');
  const more = await world.ask('x', 'return', { groups: 'dba' });
  assert.equal(isLetGo(more), false, 'another policy holds it by now, which nobody may break');
  assert.equal(isLetGo(await world.ask('x', 'return', { groups: 'dba', breakglass: 'oncall' })), true);
  assert.equal(isLetGo(await world.ask('x', 'return', { groups: 'dba', breakglass: 'oncall' })), false, 'once');
  const of = (state: string): unknown => world.steps.findLast((each) => each.state === state)?.attributes[ownAttributes.approvalBreakGlass];
  assert.deepEqual([of('granted'), of('spent')], [['oncall'], ['oncall']]);
  await world.ask('y', 'return', { breakglass: 'oncall' });
  const id = approvals.list().at(-1)?.approval ?? '';
  assert.equal(
    refused(() => approvals.breakGlass(id, granterOf(dan), 'outage')),
    'done',
  );
  principals.set('bot', { ...dan, groups: [] });
  assert.equal(approvals.recheck(), 2, 'who broke it is no member of the group any more');
});

test('the use of an approval says who asked, where, and who granted it for each group, with as much of the notes as has room', async () => {
  using world = new World();
  const { approvals, principals } = world;
  const groups = 'a,b,c,d,dba';
  await world.ask('x', 'return', { groups, onBehalfOf: 'eve' });
  const id = approvals.list()[0]?.approval ?? '';
  const note = '\u0001'.repeat(1000);
  for (const group of ['d', 'c', 'b', 'a']) {
    world.nowMs += 1;
    approvals.grant(id, granterOf(principalOf(`of-${group}`, group)), note);
    principals.set(`of-${group}`, principalOf(`of-${group}`, group));
  }
  approvals.grant(id, operator, '');
  await world.ask('x', 'return', { groups, onBehalfOf: 'eve' });
  const { state, attributes } = world.steps.at(-1) ?? assert.fail();
  const cut = `${note.slice(0, 800)}…`;
  assert.equal(state, 'spent');
  assert.deepEqual(Object.fromEntries(Object.entries(attributes).filter(([name]) => name !== ownAttributes.approvalDigest)), {
    'countersign.approval.id': id,
    'countersign.approval.state': 'spent',
    'countersign.approval.groups': ['a', 'b', 'c', 'd', 'dba'],
    'countersign.principal': 'bot',
    'countersign.on_behalf_of': 'eve',
    'countersign.approval.asked_session': 's',
    'countersign.approval.asked_record': 'l/1',
    'countersign.approval.granted_by': ['of-a', 'of-b', 'of-c', 'of-d', 'operator'],
    'countersign.approval.granted_times': [4, 3, 2, 1, 4].map((ms) => new Date(ms).toISOString()),
    'countersign.approval.granted_notes': [cut, cut, cut, cut, ''],
    'countersign.approval.granted_records': ['l/5', 'l/4', 'l/3', 'l/2', 'l/6'],
  });
});

test('B20, E48: a grant is void when what the requester may do changes, or who granted is no member any more, or the credential ends', async () => {
  for (const change of ['requester', 'granter', 'policy', 'credential', 'session'] as const) {
    using world = new World();
    const { approvals, principals } = world;
    await world.ask('x', 'return');
    const id = approvals.list()[0]?.approval ?? '';
    approvals.grant(id, granterOf(principals.get('ann') ?? assert.fail()), '');
    approvals.recheck();
    assert.equal(approvals.find(id)?.state, 'granted', 'a configuration that says the same changes nothing');
    if (change === 'credential') {
      world.endCredential();
    } else if (change === 'session') {
      world.endSession();
    } else if (change === 'policy') {
      world.version = 'v2';
    } else {
      principals.set(change === 'requester' ? 'bot' : 'ann', principalOf(change === 'requester' ? 'bot' : 'ann', 'other'));
    }
    assert.equal(approvals.recheck(), ['credential', 'session', 'halt'].includes(change) ? 0 : 1, change);
    assert.equal(approvals.find(id)?.state, 'withdrawn', change);
    assert.equal(isLetGo(await world.ask('x', 'return')), false);
    assert.deepEqual(
      [...world.left],
      approvals.list().flatMap(({ approval, state }) => (state === 'waiting' ? [approval] : [])),
    );
  }
});

test('B20: a request that is sent again after it has waited finds its approval, also while the same request of another client waits', async () => {
  using world = new World();
  await world.ask('x', 'wait');
  const second = await world.ask('x', 'wait', { waitMsMax: 1 });
  while (second.outcome === undefined) {
    await settled();
  }
  const [, own] = world.approvals.list();
  const again = await world.ask('x', 'wait');
  assert.equal(world.approvals.list().length, 2);
  world.approvals.grant(own?.approval ?? '', operator, '');
  await settled();
  assert.equal(isLetGo(again), true);
});

test('approvals are listed in the order in which they were asked for, whether they are over or not', async () => {
  using world = new World();
  for (const said of ['first', 'second', 'third']) {
    world.nowMs += 1;
    await world.ask(said, 'return');
  }
  const { approvals } = world;
  approvals.deny(approvals.list()[1]?.approval ?? '', operator, 'no');
  approvals.deny(approvals.list()[0]?.approval ?? '', operator, 'no');
  world.nowMs += 1;
  await world.ask('fourth', 'return');
  assert.deepEqual(
    approvals.list().map(({ text, state }) => [text, state]),
    [
      ['first', 'denied'],
      ['second', 'denied'],
      ['third', 'waiting'],
      ['fourth', 'waiting'],
    ],
  );
});

test('B20: a grant of some groups is not for the same request once policy names another', async () => {
  using world = new World();
  const { approvals, principals } = world;
  await world.ask('x', 'return');
  const first = approvals.list()[0]?.approval ?? '';
  approvals.grant(first, granterOf(principals.get('ann') ?? assert.fail()), '');
  const more = await world.ask('x', 'return', { groups: 'dba,security' });
  assert.equal(isLetGo(more), false);
  assert.deepEqual(
    approvals.list().map(({ groups, state }) => [groups, state]),
    [
      [['dba'], 'granted'],
      [['dba', 'security'], 'waiting'],
    ],
  );
  assert.equal(isLetGo(await world.ask('x', 'return')), true, 'it is for what it was granted for');
});

test('who may grant reads the text of a request of which only facts are kept, and nobody is told it who may store it', async () => {
  using world = new World();
  await world.ask('kept', 'return');
  await world.ask('unkept', 'return', { isFactsOnly: true });
  assert.deepEqual(
    world.approvals.list().map(({ text }) => text),
    ['kept', 'unkept'],
  );
  for (const { approval } of world.approvals.list()) {
    world.approvals.deny(approval, operator, 'no');
  }
  assert.deepEqual(world.told, ['requested kept', 'requested ', 'denied kept', 'denied ']);
});

test('the operator stands for one group, and for one only', () => {
  const grant = { by: 'operator', isOperator: true, groups: ['a', 'b'], note: '', timeMs: 0 };
  assert.deepEqual([...standIns(['a', 'b'], [grant]).keys()], ['a']);
  assert.equal(standIns(['a', 'b'], [grant, { ...grant, by: 'ann', groups: ['a'] }]).size, 2);
});

test('B20: the digest covers each part, and no two acts have the same', () => {
  using world = new World();
  const base = world.act('ab', 'wait');
  const others: readonly Act[] = [
    { ...base, bytes: [Buffer.from('abc')] },
    { ...base, action: { ...base.action, name: 'any.askab' } },
    { ...base, target: { ...target, name: 'order' } },
    { ...base, target: { ...target, host: 'elsewhere' } },
    world.act('ab', 'wait', { principal: principalOf('bota') }),
    world.act('ab', 'wait', { onBehalfOf: 'ann' }),
    { ...base, action: { ...base.action, known: () => [Buffer.of(0), ...base.bytes] } },
  ];
  const digests = [digestOf(base, 'v'), digestOf(base, 'w'), ...others.map((act) => digestOf(act, 'v'))];
  assert.equal(new Set(digests).size, digests.length);
  assert.equal(digestOf({ ...base, bytes: [Buffer.from('a'), Buffer.from('b')] }, 'v'), digestOf(base, 'v'), 'how the bytes are cut does not count');
});

test('an estimate comes later or never: it is shown once it is recorded, and not asked for any more when the approval ends', async () => {
  using world = new World();
  const shown = (said: string): number | null => world.approvals.list().find(({ text }) => text.includes(said))?.estimatedRows ?? null;
  const [early, late, full] = [Promise.withResolvers<number | null>(), Promise.withResolvers<number | null>(), Promise.withResolvers<number | null>()];
  let signal: AbortSignal | null = null;
  await world.ask('early', 'return', { estimate: async () => early.promise });
  const asked = await world.ask('late', 'wait', {
    estimate: async (ended) => {
      signal = ended;
      return late.promise;
    },
  });
  await world.ask('full', 'return', { estimate: async () => full.promise });
  assert.deepEqual([shown('early'), shown('late')], [null, null]);
  early.resolve(7);
  await settled();
  assert.equal(shown('early'), 7);
  asked.leave();
  assert.equal(Reflect.get(signal ?? {}, 'aborted'), true);
  const steps = world.steps.length;
  late.resolve(8);
  await settled();
  assert.deepEqual([shown('late'), world.steps.length], [null, steps]);
  world.isFull = true;
  full.resolve(9);
  await settled();
  assert.equal(shown('full'), null);
  world.isFull = false;
});

test('1,000 held requests are open at once, and one principal has a limit', async () => {
  using world = new World();
  for (let i = 0; i < 2000; i += 1) {
    await world.ask(`x${i}`, 'return');
  }
  assert.equal(world.approvals.list().length, 2000);
  const { outcome } = await world.ask('one more', 'return');
  assert.match(typeof outcome === 'string' ? outcome : '', /too many requests wait for approval/);
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { streamProtocols } from '../../gateway/src/protocols/registry.ts';
import type { Access, ContractWay, Told } from '../support/contract.ts';
import { askAll, contractTargets, startContracts, targetsOf, type StartedContracts } from '../support/contracts.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { byteByByte, cutAfter, Meddler, overwrite, type Direction, type Meddling } from '../support/meddler.ts';
import { suiteParts } from '../support/suite-parts.ts';
import { waitUntil } from '../support/wait-until.ts';

/** So many places of a connection are tried. */
const placesMax = 20;
/** Lengths as a hostile peer writes them: beyond what fits, beyond what is signed, negative, none. */
const lengths: readonly Buffer[] = [Buffer.from('ffffffff', 'hex'), Buffer.from('7fffffff', 'hex'), Buffer.from('00000000', 'hex')];
/** The most memory in bytes that a gateway may take for all of that. */
const grownBytesMax = 512 * 1024 * 1024;
/** A port on this machine in the place of a target. */
const portInPlace = /(?<=(?:127\.0\.0\.1|localhost):)\d+/;

/** Every protocol between client and gateway, and between gateway and target: however its bytes are cut, and whatever its lengths say. */
describe('the wire of every protocol', () => {
  let contracts: StartedContracts;
  let gateway: GatewayProcess;
  const parts = suiteParts();
  /** In front of each target. Its meddling is that of the test that runs. */
  const targetMeddlers = new Map<string, Meddler>();
  let meddling: Partial<Record<Direction, Meddling>> = {};
  const current =
    (direction: Direction): Meddling =>
    (bytes, at) =>
      meddling[direction]?.(bytes, at) ?? [[bytes], false];

  before(async () => {
    contracts = parts.use(await startContracts('canary-target-secret-5d0e7b'));
    const ways: ContractWay[] = [];
    for (const way of contracts.ways) {
      const [port] = portInPlace.exec(way.place) ?? [];
      if (port === undefined) {
        ways.push(way);
        continue;
      }
      const meddler = parts.use(await Meddler.open(Number(port), { there: current('there'), back: current('back') }));
      targetMeddlers.set(way.target, meddler);
      ways.push({ ...way, place: way.place.replace(portInPlace, String(meddler.port)) });
    }
    gateway = parts.use(
      await GatewayProcess.start({
        config: `${targetsOf(ways)}principals: { ann: { kind: agent, targets: [${contractTargets.join(', ')}] }, ben: { kind: agent, targets: [${contractTargets.join(', ')}] } }\n`,
        environment: contracts.environment,
        listeners: streamProtocols.map(({ id }) => id),
      }),
    );
  });

  /** Runs what is given with a meddler in front of the gateway. */
  async function through<Result>(
    way: ContractWay,
    between: Partial<Record<Direction, Meddling>>,
    run: (access: (token: string) => Access, meddler: Meddler) => Promise<Result>,
  ): Promise<Result> {
    const listener = gateway.port(way.protocol) > 0 ? way.protocol : 'http';
    await using meddler = await Meddler.open(gateway.port(listener), between);
    const address = `127.0.0.1:${meddler.port}`;
    return await run((token) => ({ addresses: { http: address, [way.protocol]: address }, token }), meddler);
  }

  const plainAccess = (way: ContractWay, token: string): Access => {
    const address = (listener: string): string => `127.0.0.1:${gateway.port(listener)}`;
    return { addresses: { http: address('http'), [way.protocol]: address(way.protocol) }, token };
  };

  /** Asks once. A connection on which nothing moves any more is left: a peer that waits for bytes that never come waits until its limits. */
  async function askOnce(way: ContractWay, access: Access, said: string, meddlers: readonly Meddler[]): Promise<Told> {
    const connection = way.connect(access);
    const { told } = connection.ask(said);
    let isOver = false;
    void told.finally(() => (isOver = true));
    const moved = (): string => meddlers.map(({ passed }) => `${passed.there} ${passed.back}`).join();
    let [last, sinceMs] = [moved(), performance.now()];
    await waitUntil(() => {
      if (moved() !== last) {
        [last, sinceMs] = [moved(), performance.now()];
      }
      return isOver || performance.now() - sinceMs > 300;
    });
    connection.leave();
    return told;
  }

  const memory = (): number => 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]);

  const placesOf = (count: number): readonly number[] => [
    ...new Set(Array.from({ length: placesMax }, (_, i) => Math.min(count - 1, Math.floor((i * count) / (placesMax - 1))))),
  ];

  /** Whatever was tried: the gateway serves who asks as usual, and nothing reached the target without being on record. */
  async function assertServes(way: ContractWay, words: readonly string[]): Promise<void> {
    const said = `served-words of ${way.target} ${words.length}`;
    const [told] = await askAll(way, plainAccess(way, await gateway.issueToken('ben')), said);
    assert.equal(told?.isAllowed, true, JSON.stringify(told));
    assert.equal(gateway.exitCode, null);
    const heard = way.heard(words);
    assert.equal(new Set(heard).size, heard.length, 'nothing is sent twice');
    const sessions = (await gateway.sessions('all')).filter(({ targets }) => targets.includes(way.target));
    const recorded: string[] = [];
    for (const { session } of sessions) {
      const records = await gateway.records(session);
      recorded.push(...records.filter(({ kind, verdict }) => kind === 'request' && verdict === 'allow').map(({ content }) => content?.text ?? ''));
    }
    const all = recorded.join('\n');
    assert.deepEqual(
      heard.filter((each) => !all.includes(each)),
      [],
      'what the target heard is on record',
    );
  }

  for (const [position, target] of contractTargets.entries()) {
    describe(target, () => {
      const way = (): ContractWay => contracts.ways[position] ?? assert.fail(target);

      test('one byte at a time, on connections beside one another: each client gets its own answers', async () => {
        meddling = { there: byteByByte, back: byteByByte };
        const [ann, ben] = [await gateway.issueToken('ann'), await gateway.issueToken('ben')];
        await through(way(), meddling, async (access) => {
          const asked = [ann, ben].map(async (token, i) => {
            const said = [`tell secret-of${i}x1 ${target}`, `tell secret-of${i}x2 ${target}`];
            return [i, await askAll(way(), access(token), ...said)] as const;
          });
          for (const [i, told] of await Promise.all(asked)) {
            for (const [turn, { isAllowed, text }] of told.entries()) {
              assert.equal(isAllowed, true, text);
              assert.ok(text.includes(`secret-of${i}x${turn + 1}`) && !text.includes(`secret-of${1 - i}`), text);
            }
          }
        });
        meddling = {};
      });

      for (const side of ['client', 'target'] as const) {
        for (const direction of ['there', 'back'] as const) {
          const sides = side === 'client' ? 'client and gateway' : 'gateway and target';
          test(`A1, C28: between ${sides}, ${direction}: cut anywhere, and with any length anywhere`, async (t) => {
            const targetMeddler = targetMeddlers.get(target);
            if (side === 'target' && targetMeddler === undefined) {
              t.diagnostic(`${target} is not reached over a port`);
              return;
            }
            const token = await gateway.issueToken('ann');
            const words: string[] = [];
            const tryOne = async (change: Meddling | null): Promise<number> => {
              const said = `tried-${words.length}-of-${side}-${direction} ${target}`;
              words.push(said);
              const earlier = targetMeddler?.passed[direction] ?? 0;
              const between = change === null ? {} : { [direction]: change };
              meddling = side === 'target' ? between : {};
              const count = await through(way(), side === 'client' ? between : {}, async (access, meddler) => {
                // How long a connection is must not depend on how soon the target answers.
                await (change === null
                  ? askAll(way(), access(token), said)
                  : askOnce(way(), access(token), said, [meddler, ...(targetMeddler === undefined ? [] : [targetMeddler])]));
                return meddler.passed[direction];
              });
              // Kept connections are those of before, whose bytes are counted on.
              targetMeddler?.cut();
              meddling = {};
              return side === 'client' ? count : (targetMeddler?.passed[direction] ?? 0) - earlier;
            };
            const grown = memory();
            const count = await tryOne(null);
            assert.ok(count > 0);
            for (const place of placesOf(count)) {
              await tryOne(cutAfter(place));
              for (const length of lengths) {
                await tryOne(overwrite(place, length));
              }
            }
            await assertServes(way(), words);
            assert.ok(memory() - grown < grownBytesMax, `${memory() - grown} bytes`);
          });
        }
      }
    });
  }

  test('the record holds', async () => {
    await gateway.signal('SIGTERM');
    const { status, stdout } = gateway.command(['verify', '--data', gateway.data]);
    assert.equal(status, 0, stdout);
  });
});

import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseWorkingHours, type AlertRule } from '../domain/alert.ts';
import { ruleDefaults } from '../domain/built-in-alerts.ts';
import type { ShownRecord } from '../feed/shown-record.ts';
import { SealedFile } from '../store/sealed-file.ts';
import { AlertFeed } from './alert-feed.ts';
import { alertActions, attributesOfAlert } from './alert.ts';
import { AlertWatch, type AlertNews, type WatchedRecord } from './alert-watch.ts';

const startMs = Date.parse('2026-11-27T12:00:00Z');

function ruleOf(given: Partial<AlertRule> = {}): AlertRule {
  return { ...ruleDefaults, name: 'burst', query: 'verdict:deny', count: 3, windowMs: 60_000, by: ['principal'], severity: 'high', to: ['soc'], ...given };
}

function countsOf({ book }: AlertWatch): readonly string[] {
  return book.all.map(({ by, count }) => `${by.join()} ${count}`).toSorted();
}

/** A log that is followed: what the watch tells is recorded in it, as the gateway does. */
class Log {
  readonly records: WatchedRecord[] = [];
  watch = new AlertWatch(AlertWatch.beginning(0), 0);
  readonly news: AlertNews[] = [];
  timeMs = startMs;

  constructor(rules: readonly AlertRule[] = [ruleOf()]) {
    this.watch.enforce(rules);
  }

  add(values: Readonly<Record<string, string>>, shown: Partial<ShownRecord> = {}): void {
    const record = `log/${this.records.length}`;
    const time = new Date(this.timeMs).toISOString();
    this.records.push({
      shown: {
        session: '0',
        seq: 0,
        time,
        channel: 0,
        target: null,
        protocol: null,
        kind: 'request',
        action: null,
        principal: null,
        verdict: null,
        policies: [],
        attributes: {},
        content: null,
        record,
        ...shown,
      },
      facts: { timeMs: this.timeMs, values: new Map(Object.entries(values).map(([name, value]) => [name, [value]])), words: [] },
    });
  }

  deny(principal: string, afterMs = 0): void {
    this.timeMs += afterMs;
    this.add({ verdict: 'deny', principal });
    this.follow();
  }

  /** Shows the watch what it has not seen, and records what it tells, if `isRecorded`. */
  follow(isRecorded = true): readonly AlertNews[] {
    for (const [index, record] of this.records.entries()) {
      this.watch.see(index, record);
    }
    const news = this.watch.take(this.timeMs);
    this.news.push(...news);
    if (isRecorded && news.length > 0) {
      for (const { what, alert } of news) {
        this.add({}, { action: alertActions[what], attributes: attributesOfAlert(alert) });
      }
      this.follow();
    }
    return news;
  }

  step(what: 'acknowledge' | 'close', id: string): void {
    this.add({}, { action: alertActions[what], attributes: { 'user.id': 'ann', 'countersign.alert.id': id, 'countersign.reason': 'known' } });
    this.follow();
  }
}

test('records of one group within the window raise one alert, and further ones are counted by it', () => {
  const log = new Log();
  log.deny('bot');
  log.deny('other');
  log.deny('bot', 59_000);
  log.deny('bot', 1000);
  assert.equal(log.news.length, 0, 'the first is out of the window, which is as long as the rule says and no longer');
  log.deny('bot', 1000);
  const [raised, ...rest] = log.news;
  assert.ok(raised !== undefined && rest.length === 0);
  assert.deepEqual(
    [raised.alert.by, raised.alert.count, raised.alert.firstMs, raised.alert.records, raised.to],
    [['principal=bot'], 3, startMs + 59_000, ['log/2', 'log/3', 'log/4'], ['soc']],
  );
  log.deny('bot', 1000);
  assert.deepEqual(
    log.watch.book.all.map(({ count, state, through }) => [count, state, through]),
    [[4, 'open', 6]],
  );
});

test('an alert that is closed can come again, from the beginning; one that is acknowledged counts on', () => {
  const log = new Log();
  Array.from({ length: 3 }, () => log.deny('bot'));
  const { id } = log.watch.book.all[0] ?? assert.fail();
  log.step('acknowledge', id);
  Array.from({ length: 5 }, () => log.deny('bot'));
  assert.deepEqual(
    log.watch.book.all.map(({ state, count, steps }) => [state, count, steps[0]?.note]),
    [['acknowledged', 8, 'known']],
  );
  log.step('close', id);
  log.deny('bot');
  log.deny('bot');
  assert.equal(log.watch.book.all.length, 1);
  log.deny('bot');
  assert.deepEqual(
    log.watch.book.all.map(({ state }) => state),
    ['closed', 'open'],
  );
});

test('after a restart nothing fires twice and nothing is lost, wherever the state was saved and whatever was recorded since', () => {
  const whole = new Log();
  for (let i = 0; i < 9; i++) {
    whole.deny(i % 3 === 0 ? 'other' : 'bot', 1000);
  }
  assert.deepEqual(countsOf(whole.watch), ['principal=bot 6', 'principal=other 3']);
  const bare = whole.records.filter(({ shown }) => shown.action === null);
  for (let saved = 0; saved <= whole.records.length; saved++) {
    for (const records of [whole.records, bare]) {
      const log = new Log();
      log.records.push(...records.slice(0, saved));
      for (const [index, record] of log.records.entries()) {
        log.watch.see(index, record);
      }
      log.watch = new AlertWatch(JSON.parse(JSON.stringify(log.watch.save())), records.length);
      log.watch.enforce([ruleOf()]);
      log.records.push(...records.slice(saved));
      log.timeMs = whole.timeMs;
      log.follow();
      const raisings = log.records.filter(({ shown }) => shown.action === alertActions.raise).map(({ shown }) => shown.attributes['countersign.alert.by']);
      assert.deepEqual(raisings.length, 2, `saved at ${saved}`);
      assert.deepEqual(countsOf(log.watch), countsOf(whole.watch));
    }
  }
});

test('an alert that could not be recorded is told again, and is counted on meanwhile', () => {
  const log = new Log([ruleOf({ count: 1 })]);
  log.add({ verdict: 'deny', principal: 'bot' });
  assert.equal(log.follow(false).length, 1);
  log.add({ verdict: 'deny', principal: 'bot' });
  assert.equal(log.follow(false).length, 0);
  log.timeMs += 10_000;
  const [again] = log.follow(false);
  assert.equal(again?.alert.count, 2);
  log.timeMs -= 86_400_000;
  assert.equal(log.follow().length, 1, 'a clock that is set back does not keep it');
  assert.equal(log.watch.book.all.length, 1);
});

test('C28: many groups cannot flood the list or the memory: what further ones do is one alert', () => {
  const log = new Log([ruleOf({ count: 1 })]);
  for (let i = 0; i < 300; i++) {
    log.deny(`bot-${i}`);
  }
  const { all } = log.watch.book;
  assert.equal(all.length, 51);
  assert.deepEqual([all.at(-1)?.by, all.at(-1)?.count], [['others'], 250]);
});

test('C28: long values make no long groups', () => {
  const log = new Log([ruleOf({ count: 1 })]);
  log.deny(`a${'b'.repeat(10_000)}`);
  assert.ok((log.watch.book.all[0]?.by[0]?.length ?? Infinity) <= 301);
});

test('C28: with a clock that jumps, forwards or back, alerts are still raised', () => {
  const log = new Log();
  log.deny('bot');
  log.deny('bot', -86_400_000);
  log.deny('bot', 3 * 86_400_000);
  assert.equal(log.news.length, 0);
  log.deny('bot', -1000);
  log.deny('bot');
  assert.equal(log.news.length, 1);
});

test('what an open alert counts is recorded once a minute, and its sinks are told again after a day', () => {
  const log = new Log([ruleOf({ count: 1 })]);
  log.deny('bot');
  log.deny('bot', 30_000);
  assert.equal(log.news.length, 1);
  log.deny('bot', 30_000);
  log.deny('bot', 86_400_000);
  assert.deepEqual(
    log.news.map((news) => [news.what, news.alert.count, news.what === 'count' && news.isNoticed]),
    [
      ['raise', 1, false],
      ['count', 3, false],
      ['count', 4, true],
    ],
  );
});

test('only what is outside of working hours counts, and only the first record of somebody who was not seen for long', () => {
  const hours = parseWorkingHours('mon-fri 08:00-18:00 Europe/Berlin') ?? assert.fail();
  const log = new Log([ruleOf({ count: 1, outside: hours })]);
  log.deny('bot', 4 * 3_600_000 + 3_599_000);
  assert.equal(log.news.length, 0, '17:59 in Berlin');
  log.deny('bot', 1000);
  assert.equal(log.news.length, 1);
  const reader = new Log([ruleOf({ count: 1, unseenMs: 30 * 86_400_000 })]);
  reader.deny('ann');
  reader.step('close', reader.watch.book.all[0]?.id ?? '');
  reader.deny('ann', 29 * 86_400_000);
  reader.deny('ann', 29 * 86_400_000);
  assert.equal(reader.news.length, 1);
  reader.deny('ann', 30 * 86_400_000);
  assert.equal(reader.news.length, 2);
  for (const wrong of ['', 'mon-fri', 'mon-fri 08:00-18:00', 'mon-fri 18:00-08:00 UTC', 'mon-fri 08:00-24:30 UTC', 'mon-fri 08:00-18:00 Mars/Base']) {
    assert.equal(parseWorkingHours(wrong), null, wrong);
  }
});

test('an alert is forgotten with its records, also by the file, and so is what a rule has counted', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-alert-feed-'));
  const log = new Log();
  Array.from({ length: 4 }, () => log.deny('bot'));
  log.deny('other');
  const open = (nowMs: number, keptDays: number | null, written: number): AlertFeed =>
    new AlertFeed({
      file: new SealedFile(join(directory, 'alerts'), createSecretKey(Buffer.alloc(32, 1))),
      written,
      rules: [ruleOf()],
      keptDays,
      tell: () => undefined,
      onTrouble: (error) => assert.fail(String(error)),
      now: () => nowMs,
    });
  const known = async (afterDays: number, keptDays: number | null, written = log.records.length): Promise<readonly unknown[]> => {
    await using feed = open(startMs + afterDays * 86_400_000, keptDays, written);
    for (const [index, record] of log.records.entries()) {
      feed.see(index, record);
    }
    return [feed.alerts.length, feed.isNew];
  };
  assert.deepEqual(await known(0, 7, 0), [1, true]);
  assert.deepEqual(await known(7, 7), [1, false]);
  assert.deepEqual(await known(8, null), [1, false]);
  assert.deepEqual(await known(8, 7), [0, false]);
  assert.deepEqual(await known(8, null, 2), [1, true], 'a file that is ahead of the journal is of another one');
  log.watch.forget(startMs + 1);
  assert.deepEqual([log.watch.book.all, log.watch.save().groups], [[], [['burst', []]]]);
  rmSync(directory, { recursive: true });
});

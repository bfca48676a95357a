import { isDeepStrictEqual } from 'node:util';
import type { KnownFacts } from '../domain/known-facts.ts';
import type { KeyStore } from '../recording/key-store.ts';
import type { Recorder } from '../recording/recorder.ts';
import { dayOf, type Keeping } from '../recording/retention.ts';
import { RetentionRules, type KeepingClass, type RetentionSettings } from './retention-rules.ts';

/** The classes of keeping in force: what is recorded is kept by them, and they are on record themselves. */
export class KeepingInForce {
  readonly #keys: KeyStore;
  readonly #recorder: Recorder;
  #settings: RetentionSettings;
  #rules: RetentionRules;

  /** Records the classes with which the gateway starts. Throws GatewayError `cannot_record`, or `limit_exceeded` if the store has had too many rules. */
  constructor(keys: KeyStore, recorder: Recorder, settings: RetentionSettings) {
    this.#keys = keys;
    this.#recorder = recorder;
    this.#settings = settings;
    this.#rules = this.#recordRules(settings);
  }

  get classes(): readonly KeepingClass[] {
    return this.#rules.classes;
  }

  /** Puts changed settings into force, from the next record on. Throws as the constructor does; then those of before are in force. */
  change(settings: RetentionSettings): void {
    if (!isDeepStrictEqual(settings, this.#settings)) {
      this.#rules = this.#recordRules(settings);
      this.#settings = settings;
    }
  }

  /** Returns a function that says how what goes over a channel is kept, by the rules in force when it is called. */
  keepingOf(channel: KnownFacts): () => Keeping {
    let rules = this.#rules;
    let keeping = rules.keepingOf(channel);
    return () => {
      if (rules !== this.#rules) {
        rules = this.#rules;
        keeping = rules.keepingOf(channel);
      }
      return keeping;
    };
  }

  /** Records the classes before anything is kept by them, so that a verifier knows what each means. */
  #recordRules(settings: RetentionSettings): RetentionRules {
    const { classes } = this.#keys;
    const rules = new RetentionRules(settings, (query) => classes.give(query));
    for (const { class: number, content, facts, floor, query } of rules.classes) {
      this.#recorder.append(this.#recorder.own, {
        kind: 'keep',
        meta: JSON.stringify({ class: number, content, facts, floor }),
        content: query === null ? [] : [Buffer.from(JSON.stringify({ query }))],
        contentIsFacts: true,
      });
    }
    this.#keys.floors.enforce(rules.classes, dayOf(this.#recorder.lastMs));
    this.#recorder.keepAs(rules.standard);
    return rules;
  }
}

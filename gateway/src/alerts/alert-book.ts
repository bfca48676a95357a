import type { ShownRecord } from '../feed/shown-record.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { alertActions, alertOfAttributes, type Alert, type AlertFacts, type AlertStep } from './alert.ts';

/** Most alerts that are remembered. Those that are closed are forgotten first, and of these the oldest; the record has all. */
const alertsMax = 5000;
/** Most steps of an alert that are remembered: the last ones. */
const stepsMax = 100;
/** Most records of an alert that are named: the first ones of them, and the last. */
const recordsMax = 10;

const steps: ReadonlyMap<string, AlertStep['what']> = new Map([
  [alertActions.acknowledge, 'acknowledge'],
  [alertActions.assign, 'assign'],
  [alertActions.close, 'close'],
]);
const ownActions: ReadonlySet<string> = new Set(Object.values(alertActions));

/** A record about an alert. */
export type AboutAlert = Pick<ShownRecord, 'action' | 'attributes' | 'time' | 'record'>;

/** Returns whether a record is about an alert itself. Rules do not count it. */
export function isAboutAlert({ action }: Pick<ShownRecord, 'action'>): boolean {
  return action !== null && ownActions.has(action);
}

/** The alerts, as the records about them say in the order of the log. */
export class AlertBook {
  readonly #alerts: Map<string, Alert>;
  /** The ids of the alerts that are not closed, by rule and group. */
  readonly #open = new Map<string, string>();

  constructor(saved: readonly Alert[] = []) {
    this.#alerts = new Map(saved.map((alert) => [alert.id, alert]));
    for (const alert of saved.filter(({ state }) => state !== 'closed')) {
      this.#open.set(groupKey(alert), alert.id);
    }
  }

  /** All alerts, in the order in which they were raised. */
  get all(): readonly Alert[] {
    return [...this.#alerts.values()].toSorted((a, b) => indexOf(a) - indexOf(b));
  }

  find(id: string): Alert | null {
    return this.#alerts.get(id) ?? null;
  }

  /** The alert of a rule and a group that is not closed; null if there is none. */
  findOpen(rule: string, by: readonly string[]): Alert | null {
    const id = this.#open.get(groupKey({ rule, by }));
    return id === undefined ? null : this.find(id);
  }

  /** Takes up a record about an alert. */
  learn(shown: AboutAlert): void {
    const { action, attributes } = shown;
    if (action === alertActions.raise) {
      const facts = alertOfAttributes(attributes);
      if (facts !== null && !this.#alerts.has(facts.id)) {
        this.#add({ ...facts, state: 'open', assignee: null, raised: shown.record, steps: [] });
      }
    } else if (action === alertActions.count) {
      const facts = alertOfAttributes(attributes);
      const known = facts === null ? null : this.find(facts.id);
      if (facts !== null && known !== null && facts.count > known.count) {
        this.#alerts.set(known.id, { ...known, ...facts });
      }
    } else {
      this.#step(shown);
    }
  }

  /** Counts one more record of an alert. */
  count(alert: Alert, hit: Pick<AlertFacts, 'lastMs' | 'through'> & { readonly record: string }): Alert {
    const counted = { ...alert, count: alert.count + 1, lastMs: hit.lastMs, through: hit.through, records: withRecord(alert.records, hit.record) };
    this.#alerts.set(alert.id, counted);
    return counted;
  }

  /** Forgets the alerts of which nothing is on record from a time on, also those that are open. */
  forget(beforeMs: number): void {
    for (const alert of this.#alerts.values()) {
      if (Math.max(alert.lastMs, alert.steps.at(-1)?.timeMs ?? 0) < beforeMs) {
        this.#forget(alert);
      }
    }
  }

  #add(alert: Alert): void {
    this.#alerts.set(alert.id, alert);
    this.#open.set(groupKey(alert), alert.id);
    if (this.#alerts.size > alertsMax) {
      const oldest = this.#alerts.values().find(({ state }) => state === 'closed') ?? this.#alerts.values().next().value;
      if (oldest !== undefined) {
        this.#forget(oldest);
      }
    }
  }

  #forget(alert: Alert): void {
    this.#alerts.delete(alert.id);
    if (this.#open.get(groupKey(alert)) === alert.id) {
      this.#open.delete(groupKey(alert));
    }
  }

  #step({ action, attributes, time }: AboutAlert): void {
    const what = steps.get(action ?? '');
    const known = this.find(String(attributes[ownAttributes.alertId]));
    if (what === undefined || known === null || known.state === 'closed') {
      return;
    }
    const textOf = (name: string): string | null => (typeof attributes[name] === 'string' ? attributes[name] : null);
    const step: AlertStep = {
      what,
      by: textOf('user.id') ?? '',
      note: textOf(ownAttributes.reason),
      assignee: textOf(ownAttributes.alertAssignee),
      timeMs: Date.parse(time),
    };
    const { [ownAttributes.count]: count } = attributes;
    this.#alerts.set(known.id, { ...afterStep(known, step), count: Math.max(known.count, typeof count === 'number' ? count : 0) });
    if (what === 'close') {
      this.#open.delete(groupKey(known));
    }
  }
}

/** Returns an alert after a step that a person took. */
export function afterStep(alert: Alert, step: AlertStep): Alert {
  const { what, assignee } = step;
  return {
    ...alert,
    state: what === 'close' ? 'closed' : what === 'acknowledge' ? 'acknowledged' : alert.state,
    assignee: what === 'assign' ? assignee : alert.assignee,
    steps: [...alert.steps, step].slice(-stepsMax),
  };
}

/** The index in the log of the record that raised an alert. */
function indexOf({ raised }: Alert): number {
  return Number(raised.slice(raised.lastIndexOf('/') + 1));
}

/** Adds a record to those that are named: the first ones stay, and the last one is always there. */
export function withRecord(records: readonly string[], record: string): readonly string[] {
  return [...records.slice(0, recordsMax - 1), record];
}

export function groupKey({ rule, by }: Pick<AlertFacts, 'rule' | 'by'>): string {
  return JSON.stringify([rule, ...by]);
}

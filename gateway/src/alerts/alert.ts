import { severities, type Severity } from '../domain/alert.ts';
import type { Attributes, AttributeValue } from '../domain/action.ts';
import { ownAttributes } from '../domain/own-attributes.ts';

/** The actions of the records of an alert. The list of alerts is made of these records alone. */
export const alertActions = {
  raise: 'gateway.raise_alert',
  count: 'gateway.count_alert',
  acknowledge: 'gateway.acknowledge_alert',
  assign: 'gateway.assign_alert',
  close: 'gateway.close_alert',
} as const;

type AlertState = 'open' | 'acknowledged' | 'closed';

/** A step that a person took. */
export interface AlertStep {
  readonly what: 'acknowledge' | 'assign' | 'close';
  readonly by: string;
  readonly note: string | null;
  readonly assignee: string | null;
  readonly timeMs: number;
}

/** The findings of a rule, as they stand in the record that raises an alert or counts on. */
export interface AlertFacts {
  readonly id: string;
  readonly rule: string;
  /** Each `FIELD=VALUE`. */
  readonly by: readonly string[];
  readonly severity: Severity;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Each `LOG/INDEX`: some of the records, the last of them last. */
  readonly records: readonly string[];
  /** The index in the log of the last record that is counted. */
  readonly through: number;
}

export interface Alert extends AlertFacts {
  readonly state: AlertState;
  readonly assignee: string | null;
  /** `LOG/INDEX` of the record that raised it. */
  readonly raised: string;
  readonly steps: readonly AlertStep[];
}

/** Prints the findings of a rule as the attributes of a record. */
export function attributesOfAlert({ id, rule, by, severity, count, firstMs, lastMs, records, through }: AlertFacts): Attributes {
  return {
    [ownAttributes.alertId]: id,
    [ownAttributes.alertRule]: rule,
    [ownAttributes.alertBy]: by,
    [ownAttributes.severity]: severity,
    [ownAttributes.count]: count,
    [ownAttributes.firstTime]: new Date(firstMs).toISOString(),
    [ownAttributes.lastTime]: new Date(lastMs).toISOString(),
    [ownAttributes.alertRecords]: records,
    [ownAttributes.alertThrough]: through,
  };
}

/** Reads what `attributesOfAlert` printed. Null if it is something else. */
export function alertOfAttributes(attributes: Attributes): AlertFacts | null {
  const id = attributes[ownAttributes.alertId];
  const severity = severities.find((each) => each === attributes[ownAttributes.severity]);
  if (typeof id !== 'string' || severity === undefined) {
    return null;
  }
  return {
    id,
    rule: String(attributes[ownAttributes.alertRule]),
    by: listOf(attributes[ownAttributes.alertBy]),
    severity,
    count: Number(attributes[ownAttributes.count]),
    firstMs: Date.parse(String(attributes[ownAttributes.firstTime])),
    lastMs: Date.parse(String(attributes[ownAttributes.lastTime])),
    records: listOf(attributes[ownAttributes.alertRecords]),
    through: Number(attributes[ownAttributes.alertThrough]),
  };
}

function listOf(value: AttributeValue | undefined): readonly string[] {
  return typeof value === 'object' ? value : [];
}

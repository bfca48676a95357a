import type { AttributeValue } from '../domain/action.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { FeedRecord } from './feed-record.ts';

/** Numbers of severity: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber */
const severityNumbers: Readonly<Record<string, readonly [number, string]>> = {
  low: [12, 'INFO4'],
  medium: [13, 'WARN'],
  high: [17, 'ERROR'],
  critical: [21, 'FATAL'],
};
const informational = [9, 'INFO'] as const;
/** Begins the names of events. */
const eventPrefix = 'countersign.';
const traceparent = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

type AnyValue = Readonly<Record<string, unknown>>;

/** Makes the body of a request to the endpoint for logs of OTLP, in JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
export function otlpLogs(records: readonly FeedRecord[]): object {
  return {
    resourceLogs: [
      {
        resource: { attributes: keyValues({ 'service.name': 'countersign' }) },
        scopeLogs: [{ scope: { name: 'countersign' }, logRecords: records.map(logRecord) }],
      },
    ],
  };
}

function logRecord({ shown }: FeedRecord): object {
  const { [ownAttributes.severity]: severity, [ownAttributes.traceparent]: trace } = shown.attributes;
  const [severityNumber, severityText] = severityNumbers[String(severity)] ?? informational;
  const [, traceId, spanId, flags] = traceparent.exec(String(trace)) ?? [];
  const timeUnixNano = `${Date.parse(shown.time)}000000`;
  const { text } = shown.content ?? {};
  const own = {
    [ownAttributes.record]: shown.record,
    [ownAttributes.kind]: shown.kind,
    [ownAttributes.seq]: shown.seq,
    ...named(ownAttributes.action, shown.action),
    ...named(ownAttributes.target, shown.target),
    ...named(ownAttributes.protocol, shown.protocol),
    ...named(ownAttributes.verdict, shown.verdict),
    ...(shown.policies.length === 0 ? {} : { [ownAttributes.policies]: shown.policies }),
  };
  return {
    timeUnixNano,
    observedTimeUnixNano: timeUnixNano,
    severityNumber,
    severityText,
    eventName: `${eventPrefix}${shown.kind}`,
    ...(text === undefined || text === '' ? {} : { body: { stringValue: text.toWellFormed() } }),
    attributes: keyValues({ ...shown.attributes, ...own }),
    ...(traceId === undefined ? {} : { traceId, spanId, flags: Number.parseInt(flags ?? '', 16) }),
  };
}

function named(name: string, value: string | null): Readonly<Record<string, string>> {
  return value === null ? {} : { [name]: value };
}

function keyValues(attributes: Readonly<Record<string, AttributeValue>>): readonly { readonly key: string; readonly value: AnyValue }[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: AttributeValue): AnyValue {
  switch (typeof value) {
    case 'string':
      return { stringValue: value.toWellFormed() };
    case 'boolean':
      return { boolValue: value };
    case 'number':
      return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
    default:
      return { arrayValue: { values: value.map((each) => ({ stringValue: each.toWellFormed() })) } };
  }
}

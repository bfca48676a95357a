/**
 * Parses the header `traceparent` (https://www.w3.org/TR/trace-context/#traceparent-header): version, trace, parent, flags. The version `ff` and ids of zeros
 * are not valid.
 */
import { ownAttributes } from './own-attributes.ts';
const form = /^(?!ff)[0-9a-f]{2}-(?<trace>(?!0{32})[0-9a-f]{32})-(?<span>(?!0{16})[0-9a-f]{16})-[0-9a-f]{2}$/;

export interface TraceContext {
  readonly trace: string;
  /** The client's span, within the trace in which it made the request. */
  readonly span: string;
}

/** Parses a trace context; null if the value is not one. Any value is acceptable. */
export function readTraceparent(value: unknown): TraceContext | null {
  const { trace, span } = (typeof value === 'string' ? form.exec(value)?.groups : undefined) ?? {};
  return trace === undefined || span === undefined ? null : { trace, span };
}

/** Returns the attribute for a trace context; empty if the value is not one. */
export function traceFact(value: unknown): Readonly<Record<string, string>> {
  return typeof value === 'string' && form.test(value) ? { [ownAttributes.traceparent]: value } : {};
}

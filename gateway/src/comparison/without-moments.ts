/** Matches the first line and the headers of a request or an answer over HTTP, as a recording shows them. */
const messageHead = /^(?:HTTP \d+|[A-Z]+ \/\S*)(?:\n.+)*/;
const header = /^([^\s:]+): (.*)$/gm;
/** Matches a cookie: its name with the `=`, and the part after its value. */
const cookie = /^([^=;]*=)[^;]*(.*)$/;
/** Headers whose values are new in each request or answer: its time and duration, its ids, the number of the attempt, and the rest of a limit. */
const momentary: readonly RegExp[] = [
  /^(date|x-amz-date|age|expires|retry-after|server-timing|x-timer)$/,
  /(^|-)(processing-ms|response-time|process-time|service-time|runtime|latency)$/,
  /(^|-)(request|correlation|trace|span)-?id$/,
  /^(traceparent|tracestate|x-cloud-trace-context|cf-ray|x-amz-id-2|x-amz-cf-id|x-vercel-id|sentry-trace|baggage|idempotency-key|x-stainless-retry-count)$/,
  /rate-?limit-(.*-)?(remaining|reset|used)(-|$)/,
];

/**
 * Replaces the parts that are new each time in the head of a shown request or answer over HTTP: the values of such headers, and those of the cookies that it
 * sets. Any other text is returned unchanged.
 */
export function withoutMoments(text: string): string {
  const [head = ''] = messageHead.exec(text) ?? [];
  return head.replaceAll(header, replaceValue) + text.slice(head.length);
}

function replaceValue(line: string, name: string, value: string): string {
  const known = name.toLowerCase();
  if (known === 'set-cookie') {
    return `${name}: ${value.replace(cookie, '$1NEW$2')}`;
  }
  return momentary.some((pattern) => pattern.test(known)) ? `${name}: NEW` : line;
}

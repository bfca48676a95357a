/** The first line and the headers of an answer over HTTP, as a recording shows them. */
const answerHead = /^HTTP \d+(?:\n.+)*/;
const header = /^([^\s:]+): (.*)$/gm;
/** The name and the `=` of a cookie, and what follows its value. */
const cookie = /^([^=;]*=)[^;]*(.*)$/;
/** Headers whose values are new in each answer: when it was made and how long that took, ids of it and of its request, and what is left of a limit. */
const momentary: readonly RegExp[] = [
  /^(date|age|expires|retry-after|server-timing|x-timer)$/,
  /(^|-)(processing-ms|response-time|process-time|service-time|runtime|latency)$/,
  /(^|-)(request|correlation|trace|span)-?id$/,
  /^(traceparent|tracestate|x-cloud-trace-context|cf-ray|x-amz-id-2|x-amz-cf-id|x-vercel-id)$/,
  /rate-?limit-(.*-)?(remaining|reset|used)(-|$)/,
];

/**
 * Replaces what is new in each answer over HTTP in the head of a shown answer: the values of such headers, and those of cookies that it sets. Any other text is
 * returned as it is.
 */
export function withoutMoments(text: string): string {
  const [head = ''] = answerHead.exec(text) ?? [];
  return head.replaceAll(header, replaceValue) + text.slice(head.length);
}

function replaceValue(line: string, name: string, value: string): string {
  const known = name.toLowerCase();
  if (known === 'set-cookie') {
    return `${name}: ${value.replace(cookie, '$1NEW$2')}`;
  }
  return momentary.some((pattern) => pattern.test(known)) ? `${name}: NEW` : line;
}

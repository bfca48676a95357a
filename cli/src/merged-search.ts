import type { CountedValue, FoundRecord, FoundSession, SearchLine, SearchSummary } from '@countersign/gateway/api';

/** An answer of one gateway: its lines, and its summary once they are read. */
interface Answer {
  readonly lines: AsyncIterator<FoundRecord | FoundSession | CountedValue>;
  summary: SearchSummary | null;
}

/**
 * Yields the answers of several gateways to one search as one answer: records and sessions by their times, the newest first; values with the sums of their counts,
 * the most frequent first. At most `limit` lines, and then the summary of all, whose `next` says only whether there are more. Each gateway must have been asked for as
 * many lines.
 */
export async function* mergeAnswers(answers: readonly AsyncIterable<SearchLine>[], limit: number): AsyncGenerator<SearchLine> {
  const open = answers.map(openAnswer);
  const heads = await Promise.all(open.map(async ({ lines }) => lines.next()));
  const counts = new Map<string, number>();
  let shown = 0;
  let hasMore = false;
  for (;;) {
    const at = newestOf(heads.map(({ value, done }) => (done === true ? null : value)));
    const line = heads[at]?.value;
    if (line === undefined) {
      break;
    }
    if ('value' in line) {
      counts.set(line.value, (counts.get(line.value) ?? 0) + line.count);
    } else if (shown < limit) {
      shown += 1;
      yield line;
    } else {
      hasMore = true;
    }
    heads[at] = (await open[at]?.lines.next()) ?? { done: true, value: undefined };
  }
  for (const [value, count] of [...counts].toSorted(([, a], [, b]) => b - a).slice(0, limit)) {
    yield { value, count };
  }
  const summaries = open.flatMap(({ summary }) => summary ?? []);
  const sum = (of: (summary: SearchSummary) => number): number => summaries.reduce((all, each) => all + of(each), 0);
  yield {
    summary: {
      count: sum(({ count }) => count),
      isExact: summaries.every(({ isExact }) => isExact),
      behind: summaries.some(({ behind }) => behind === null) ? null : sum(({ behind }) => behind ?? 0),
      next: summaries.find(({ next }) => next !== null)?.next ?? (hasMore ? '' : null),
    },
  };
}

function openAnswer(answer: AsyncIterable<SearchLine>): Answer {
  const opened: Answer = { lines: read(), summary: null };
  async function* read(): AsyncGenerator<FoundRecord | FoundSession | CountedValue> {
    for await (const line of answer) {
      if ('summary' in line) {
        opened.summary = line.summary;
      } else {
        yield line;
      }
    }
  }
  return opened;
}

/** Returns the index of the newest line; -1 if there is none. Of values any one is. */
function newestOf(lines: readonly (FoundRecord | FoundSession | CountedValue | null)[]): number {
  const times = lines.map((line) => (line === null ? null : 'value' in line ? '' : 'time' in line ? line.time : line.opened));
  return times.reduce((best, time, i) => (time !== null && (best === -1 || time > (times[best] ?? '')) ? i : best), -1);
}

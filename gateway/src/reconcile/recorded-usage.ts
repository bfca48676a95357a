import type { Attributes, AttributeValue } from '../domain/action.ts';
import type { Counts } from '../domain/counting.ts';
import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { dayOf, nameOfTokens } from './usage-report.ts';

/** Most answers of one comparison, and most tokens of one: more is no number of tokens, whatever the target says. So sums are exact. */
const answersMax = 1_000_000;
const tokensMax = 1_000_000_000;

interface AnswerUsage {
  day: string;
  model: string;
  input: number;
  output: number;
}

/** Counts the tokens of recorded answers, by day and model. Of an answer in several records the greatest numbers count. */
export class RecordedUsage {
  readonly #answers = new Map<string, AnswerUsage>();

  /** Takes a record of an answer. Throws GatewayError `limit_exceeded`. */
  add({ session, time, attributes }: { readonly session: string; readonly time: string; readonly attributes: Attributes }): void {
    const place = `${session}/${String(attributes[ownAttributes.request])}`;
    const answer = this.#answers.get(place) ?? { day: '', model: '', input: 0, output: 0 };
    const { 'gen_ai.response.model': model, 'gen_ai.usage.input_tokens': input, 'gen_ai.usage.output_tokens': output } = attributes;
    answer.day = dayOf(Date.parse(time));
    answer.model = typeof model === 'string' ? model : answer.model;
    answer.input = Math.max(answer.input, tokensOf(input));
    answer.output = Math.max(answer.output, tokensOf(output));
    this.#answers.set(place, answer);
    if (this.#answers.size > answersMax) {
      throw new GatewayError('limit_exceeded', `More than ${answersMax} answers were recorded in this time: reconcile more often.`);
    }
  }

  /** The tokens on days from one on, before another. */
  between(from: string, until: string): Counts {
    const counts = new Map<string, number>();
    for (const { day, model, input, output } of this.#answers.values()) {
      for (const [kind, tokens] of [['input', input] as const, ['output', output] as const]) {
        if (day >= from && day < until && tokens > 0) {
          const name = nameOfTokens(day, model, kind);
          counts.set(name, (counts.get(name) ?? 0) + tokens);
        }
      }
    }
    return counts;
  }
}

function tokensOf(value: AttributeValue | undefined): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= tokensMax ? value : 0;
}

import type { Act, Control, Objection } from '../../../gateway/src/controls/control.ts';
import type { Obligation } from '../../../gateway/src/domain/decision.ts';

/** Allows a principal as many acts with the text `counted-words` at a target as the obligation's `max` says. */
export class LimitControl implements Control {
  readonly kind = 'test-limit';
  readonly #counts = new Map<string, number>();

  admit({ asker, target, bytes }: Act, { parameters }: Obligation): Objection {
    if (!Buffer.concat(bytes).includes('counted-words')) {
      return null;
    }
    const whose = `${asker.principal.id} ${target.name}`;
    const count = (this.#counts.get(whose) ?? 0) + 1;
    this.#counts.set(whose, count);
    return count > Number(parameters['max']) ? `this was act ${count}, and ${parameters['max']} are allowed` : null;
  }
}

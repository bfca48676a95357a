/**
 * Runs what the stages of one answer do when something happens: bytes come, a tick ends, a record is committed. Once it is stopped it runs nothing more, so
 * nothing more of the answer is read, recorded or released.
 *
 *     running ── stop ──▶ stopped
 */
export class AnswerGuard {
  readonly #onError: (error: unknown) => void;
  #phase: 'running' | 'stopped' = 'running';

  /** `onError` gets what an act throws. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  get isStopped(): boolean {
    return this.#phase === 'stopped';
  }

  stop(): void {
    this.#phase = 'stopped';
  }

  run(act: () => void): void {
    if (this.#phase === 'stopped') {
      return;
    }
    try {
      act();
    } catch (error) {
      this.#onError(error);
    }
  }
}

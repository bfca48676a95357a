import { GatewayError } from '../domain/errors.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { processOutput } from '../domain/record.ts';
import type { Recorder } from '../recording/recorder.ts';
import { factsOfRun, type LiveSession, type RunFacts } from './live-session.ts';
import { TokenMask } from './token-mask.ts';

/**
 * Records the output of a run's command, as the program that runs it reports it. The records are in a channel of their own, which is open from the opening of
 * the run to its end.
 */
export class RunOutput {
  readonly #recorder: Recorder;
  readonly #session: LiveSession;
  readonly #channel: number;
  readonly #signal: AbortSignal;
  readonly #mask = new TokenMask();

  /** Throws GatewayError `cannot_record`. */
  constructor(recorder: Recorder, session: LiveSession, facts: RunFacts) {
    this.#recorder = recorder;
    this.#session = session;
    const { channel, signal } = session.openChannel(factsOfRun(facts), {
      action: processOutput,
      attributes: { 'process.command_line': facts.command },
    });
    this.#channel = channel;
    this.#signal = signal;
    signal.addEventListener('abort', () => {
      // The channel closes after the session has told all its channels.
      queueMicrotask(() => {
        try {
          session.closeChannel(channel, 'ended');
        } catch {
          // If the channel cannot be closed in the record, the next start closes it there.
        }
      });
    });
  }

  /** Masks a token wherever the command prints it, so that it is not recorded. */
  mask(token: string): void {
    this.#mask.add(token);
  }

  /** Records a piece of output. Resolves when it is committed. Rejects with GatewayError `cannot_record`, or with the reason why the run is ending. */
  async record(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void> {
    if (this.#signal.aborted) {
      throw this.#signal.reason instanceof GatewayError ? this.#signal.reason : new GatewayError('conflict', 'The run has ended.');
    }
    const masked = this.#mask.mask(stream, bytes);
    const attributes = { 'log.iostream': stream, ...(masked.tokenCount === 0 ? {} : { [ownAttributes.maskedTokens]: masked.tokenCount }) };
    this.#session.append({
      kind: 'response',
      meta: JSON.stringify({ channel: this.#channel, action: processOutput, attributes }),
      content: [masked.bytes],
      // The output answers no request, so it must not count as the end of an answer: `continues` is always set.
      continues: true,
    });
    await new Promise<void>((resolve) => {
      this.#recorder.whenCommitted('process', resolve);
    });
  }
}

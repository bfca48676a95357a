import { GatewayError } from '../domain/errors.ts';
import { defaultLimits } from '../domain/limits.ts';
import type { Channel } from '../domain/channel.ts';
import type { Credential, Door } from '../domain/door.ts';
import { ShownSecret } from '../identity/shown-secret.ts';

/** The door of a replay. It admits every client that has the token of the replay. */
export class ReplayDoor implements Door, Disposable {
  readonly limits = defaultLimits;
  readonly #token: ShownSecret;
  readonly #open: (target: string) => Channel;

  /** `open` opens a channel to a target. It throws GatewayError `not_recorded`. */
  constructor(token: string, open: (target: string) => Channel) {
    this.#token = new ShownSecret(token);
    this.#open = open;
  }

  async authenticate({ token, target }: Credential): Promise<Channel> {
    if (!this.#token.matches(token)) {
      throw new GatewayError('unauthenticated', 'The token is not that of this replay: it is in the environment that the replay sets.');
    }
    return Promise.resolve(this.#open(target));
  }

  /** Always false: a replay has no TLS. */
  knows(): boolean {
    return false;
  }

  /** Does nothing, because a replay records nothing. */
  async turnedAway(): Promise<void> {
    await Promise.resolve();
  }

  async signal(): Promise<boolean> {
    return Promise.resolve(false);
  }

  [Symbol.dispose](): void {
    // There is nothing to release.
  }
}

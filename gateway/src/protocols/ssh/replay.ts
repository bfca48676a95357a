import { GatewayError } from '../../domain/errors.ts';
import type { StreamReplay } from '../../domain/replay.ts';

/** A recording of SSH is played and exported, and does not take the place of a target: what people type at a terminal is never the same twice. */
export const replay: StreamReplay = {
  keys: () => () => null,
  differ: () => null,
  connect: () => {
    throw new GatewayError(
      'not_recorded',
      'A recording of SSH cannot be served: session replay plays it, and session export --asciicast writes it for players.',
    );
  },
};

import { GatewayError } from '../domain/errors.ts';
import type { PublishedCheckpoint } from '../recording/publisher.ts';
import type { Cosigning } from '../witnesses/cosigning.ts';

/**
 * Resolves when the quorum of witnesses has cosigned a checkpoint over what announces an erasure, or no witnesses are asked. Rejects with GatewayError `conflict` if
 * it has not within `withinMs`: then nothing may be destroyed, since nobody else has seen that it was announced.
 */
export async function requireCosigned(cosigning: Pick<Cosigning, 'confirm'> | null, checkpoint: PublishedCheckpoint, withinMs?: number): Promise<void> {
  if ((await cosigning?.confirm(checkpoint, withinMs)) === 'not cosigned') {
    throw new GatewayError(
      'conflict',
      'The witnesses have not cosigned the record of what is to be deleted. Nothing was deleted. It is once they have, at the next run: countersign witness status says which of them is missing.',
    );
  }
}

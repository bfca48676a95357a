import { MalformedError } from '@countersign/ledger';
import { decodeSegmentHeader } from '@countersign/ledger/format';
import { GatewayError } from '../domain/errors.ts';

type SegmentHeader = ReturnType<typeof decodeSegmentHeader>;

/** Names a segment of a gateway. */
export interface SegmentOf {
  readonly gatewayId: string;
  readonly segment: number;
}

/**
 * Returns the header of a segment that came from a bucket. Throws GatewayError `storage_unavailable` if the bytes begin another one, so that what a bucket
 * confuses is in no file here.
 */
export function requireSegmentHeader(bytes: Uint8Array, { gatewayId, segment }: SegmentOf, bucketName: string): SegmentHeader {
  const header = headerOf(bytes);
  if (header?.gatewayId !== gatewayId || header.segment !== segment) {
    const found = header === null ? 'something that is no segment' : `segment ${header.segment} of the gateway ${header.gatewayId}`;
    throw new GatewayError(
      'storage_unavailable',
      `The bucket ${bucketName} gives ${found} for segment ${segment} of the gateway ${gatewayId}. Look what has changed its objects, and put the right one back.`,
    );
  }
  return header;
}

function headerOf(bytes: Uint8Array): SegmentHeader | null {
  try {
    return decodeSegmentHeader(bytes);
  } catch (error) {
    if (error instanceof MalformedError) {
      return null;
    }
    throw error;
  }
}

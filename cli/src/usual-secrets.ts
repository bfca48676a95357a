import { readBucketRecord } from '@countersign/gateway/verification';

/** The variables of the environment from which programs for S3 take their credentials. */
const usualVariables = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];

/**
 * To be called before anything reads a store that is named by its directory: somebody else may have handed it over, and it says itself where its bucket is. So it must not
 * say which secrets of this machine are sent there. Throws an Error if segments are only in the bucket and other secrets than the usual ones open it.
 */
export function requireUsualSecrets(data: string): void {
  const { bucket, dropped } = readBucketRecord(data) ?? { bucket: null, dropped: 0 };
  if (bucket === null || dropped === 0) {
    return;
  }
  const { accessKeyId, secretAccessKey, sessionToken } = bucket;
  for (const source of [accessKeyId, secretAccessKey, ...(sessionToken === null ? [] : [sessionToken])]) {
    const name = 'env' in source ? source.env : source.file;
    if (!('env' in source) || !usualVariables.includes(name)) {
      throw new Error(
        `${data} wants ${name} sent to ${bucket.endpoint ?? 'AWS'} for its bucket ${bucket.bucket}. For a store named with --data only ${usualVariables.join(', ')} are used: name these in its bucket.json, or use your own store with --config.`,
      );
    }
  }
}

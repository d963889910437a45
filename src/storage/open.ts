/** A place for files, from what an operator wrote: a directory, or `s3://bucket/prefix`. */
import { openDirectory } from './directory.ts';
import { bucketLocation, isLocation } from './location.ts';
import type { Storage } from './storage.ts';

export interface StorageOptions {
  /** Of a server that speaks S3 and is not Amazon's: `https://minio.internal:9000`. */
  readonly s3Endpoint?: string | undefined;
  /** undefined: as the AWS SDK finds it. */
  readonly region?: string | undefined;
}

const withSlash = (prefix: string): string => (prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`);

/**
 * For a bucket, credentials and region are the environment's, as the AWS SDK reads them (`AWS_ACCESS_KEY_ID`,
 * `AWS_REGION` and so on). Nothing is asked of the bucket yet. @throws Error where it cannot be made.
 */
export const openStorage = async (location: string, options: StorageOptions = {}): Promise<Storage> => {
  const match = bucketLocation.exec(location);
  if (match === null) {
    if (isLocation(location)) return openDirectory(location);
    throw new Error(`${location} is neither a directory nor an address like s3://bucket/prefix.`);
  }
  const [, bucket = '', prefix = ''] = match;
  // Loaded only where it is used: the SDK costs a start some hundred milliseconds.
  const { openBucket } = await import('./bucket.ts');
  const { s3Endpoint: endpoint, region } = options;
  return openBucket({ bucket, prefix: withSlash(prefix), endpoint, region });
};

/** A place for files, from what an operator wrote: a directory, or `s3://bucket/prefix`. */
import { openDirectory } from './directory.ts';
import type { Storage } from './storage.ts';

export interface StorageOptions {
  /** Of a server that speaks S3 and is not Amazon's: `https://minio.internal:9000`. */
  readonly s3Endpoint?: string | undefined;
  /** undefined: as the AWS SDK finds it. */
  readonly region?: string | undefined;
}

const bucketLocation = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([A-Za-z0-9_][A-Za-z0-9._/-]*)?)?$/;

/** Whether it can be opened as far as its text tells: a directory, or a well-formed address of a bucket. */
export const isLocation = (location: string): boolean =>
  bucketLocation.test(location) || !/^[a-z0-9]+:\/\//i.test(location);

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

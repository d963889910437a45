/** How a place for files is written: the path of a directory, or the address of a bucket. */

/** Bucket, and prefix without a slash in front. */
export const bucketLocation =
  /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([A-Za-z0-9_][A-Za-z0-9._/-]*)?)?$/;

/** Whether it can be opened as far as its text tells. */
export const isLocation = (location: string): boolean =>
  bucketLocation.test(location) || !/^[a-z0-9]+:\/\//i.test(location);

/**
 * Files in a bucket that speaks S3, below a prefix. A small one goes up in one request; a larger one in parts,
 * which become a file by one last request, and are given up where anything fails. A process that is killed
 * meanwhile leaves parts that nobody sees: a lifecycle rule of the bucket ends those (docs/OPERATING.md).
 */
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { partsOf } from './parts.ts';
import { type ByteRange, type Content, requireName, requirePrefix, type Storage } from './storage.ts';

export interface BucketOptions {
  readonly bucket: string;
  /** '' or ends in a slash. */
  readonly prefix: string;
  /** Of a server that is not Amazon's; undefined: by the region of the environment. */
  readonly endpoint: string | undefined;
  /** undefined: as the SDK finds it; other servers than Amazon's are told us-east-1. */
  readonly region: string | undefined;
}

const nothing = Buffer.alloc(0);

const isNamed = (error: unknown, ...names: readonly string[]): boolean =>
  error instanceof Error && names.includes(error.name);

/**
 * Credentials come from the environment as the SDK reads it. Other servers than Amazon's are addressed by path,
 * and are sent no checksums, which some of them do not know.
 */
const connect = ({ endpoint, region }: BucketOptions): S3Client =>
  endpoint === undefined
    ? new S3Client(region === undefined ? {} : { region })
    : new S3Client({
        endpoint,
        region: region ?? 'us-east-1',
        forcePathStyle: true,
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
      });

/** As HTTP has it: the last byte is named, not the one after it. */
const rangeHeader = ({ start = 0, end }: ByteRange): string | undefined => {
  if (start === 0 && end === undefined) return undefined;
  return `bytes=${start}-${end === undefined ? '' : end - 1}`;
};

const isEmpty = ({ start = 0, end }: ByteRange): boolean => end !== undefined && end <= start;

async function* noBytes(): AsyncGenerator<Buffer> {}

export const openBucket = (options: BucketOptions): Storage => {
  const { bucket, prefix } = options;
  const client = connect(options);
  const placeOf = (name: string) => ({ Bucket: bucket, Key: `${prefix}${requireName(name)}` });

  const stat = async (name: string): Promise<{ readonly bytes: number } | undefined> => {
    try {
      const { ContentLength = 0 } = await client.send(new HeadObjectCommand(placeOf(name)));
      return { bytes: ContentLength };
    } catch (error) {
      if (isNamed(error, 'NotFound', 'NoSuchKey')) return undefined;
      throw error;
    }
  };

  const putWhole = async (name: string, body: Buffer): Promise<number> => {
    await client.send(new PutObjectCommand({ ...placeOf(name), Body: body, ContentLength: body.length }));
    return body.length;
  };

  /** `first` is full; one part is held at a time. */
  const putInParts = async (name: string, first: Buffer, rest: AsyncIterator<Buffer>): Promise<number> => {
    const place = placeOf(name);
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(place));
    const upload = { ...place, UploadId };
    try {
      const Parts: CompletedPart[] = [];
      let bytes = 0;
      for (let part: Buffer | undefined = first; part !== undefined; ) {
        const PartNumber: number = Parts.length + 1;
        const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber, Body: part }));
        Parts.push({ PartNumber, ETag });
        bytes += part.length;
        const next: IteratorResult<Buffer> = await rest.next();
        part = next.done === true ? undefined : next.value;
      }
      await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
      return bytes;
    } catch (error) {
      await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
      throw error;
    }
  };

  return {
    async write(name, content: Content) {
      requireName(name);
      const parts = partsOf(content);
      try {
        const first = await parts.next();
        const second = first.done === true ? first : await parts.next();
        if (first.done === true) return await putWhole(name, nothing);
        if (second.done === true) return await putWhole(name, first.value);
        return await putInParts(name, first.value, preceded(second.value, parts));
      } finally {
        await parts.return(undefined);
      }
    },
    async read(name, range = {}) {
      if (isEmpty(range)) return (await stat(name)) === undefined ? undefined : noBytes();
      try {
        const { Body } = await client.send(
          new GetObjectCommand({ ...placeOf(name), Range: rangeHeader(range) }),
        );
        return (Body ?? noBytes()) as AsyncIterable<Buffer>;
      } catch (error) {
        if (isNamed(error, 'NoSuchKey', 'NotFound')) return undefined;
        if (isNamed(error, 'InvalidRange')) return noBytes();
        throw error;
      }
    },
    stat,
    async *list(wanted) {
      let ContinuationToken: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: `${prefix}${requirePrefix(wanted)}`,
            ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
          }),
        );
        for (const { Key = '', Size = 0 } of page.Contents ?? [])
          yield { name: Key.slice(prefix.length), bytes: Size };
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
    },
    async remove(name) {
      await client.send(new DeleteObjectCommand(placeOf(name)));
    },
    close: () => client.destroy(),
  };
};

async function* preceded(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

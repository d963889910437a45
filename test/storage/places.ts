/** Real places for files: a directory, and a bucket of an S3 server in this process. */
import crypto from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import S3rver from '@20minutes/s3rver';
import { openStorage } from '../../src/storage/open.ts';
import type { Storage } from '../../src/storage/storage.ts';

export interface Place {
  readonly storage: Storage;
  /** What writers began and did not end. */
  unfinished(): Promise<readonly string[]>;
  end(): Promise<void>;
}

const folderFor = (name: string): Promise<string> => mkdtemp(path.join(tmpdir(), `quarterdeck-${name}-`));

export const directoryPlace = async (): Promise<Place> => {
  const folder = await folderFor('storage');
  return {
    storage: await openStorage(folder),
    unfinished: () => readdir(path.join(folder, '.unfinished')),
    end: () => rm(folder, { recursive: true, force: true }),
  };
};

/** Credentials that the server knows, where the SDK looks for them. */
const signIn = (): void => {
  process.env.AWS_ACCESS_KEY_ID = 'S3RVER';
  process.env.AWS_SECRET_ACCESS_KEY = 'S3RVER';
};

const bucket = 'quarterdeck';

/** The server hides where a list goes on with DES, which OpenSSL 3 has no more: it may show it instead. */
const withoutDes = (): void => {
  const plain = {
    update: (bytes: string | Buffer) => Buffer.from(bytes as string),
    final: () => Buffer.alloc(0),
  };
  const instead = (make: 'createCipheriv' | 'createDecipheriv'): void => {
    const made = crypto[make] as (...given: unknown[]) => unknown;
    Object.assign(crypto, { [make]: (...given: unknown[]) => (given[0] === 'des' ? plain : made(...given)) });
  };
  instead('createCipheriv');
  instead('createDecipheriv');
};

export interface S3Server {
  readonly endpoint: string;
  readonly location: string;
  /** Uploads in parts that were begun and neither completed nor given up, of which the server forgets none. */
  unfinished(): readonly string[];
  end(): Promise<void>;
}

export const s3Server = async (): Promise<S3Server> => {
  signIn();
  withoutDes();
  const folder = await folderFor('s3');
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory: folder,
    // It reads a slash in a query otherwise than the SDK signs it.
    allowMismatchedSignatures: true,
    configureBuckets: [{ name: bucket }],
  });
  const { port } = await server.run();
  const uploads = new Set<string>();
  server.httpServer.on('request', ({ method = '', url = '' }) => {
    const { pathname, searchParams } = new URL(url, 'http://s3');
    const ends = searchParams.has('uploadId') && method !== 'PUT';
    if (searchParams.has('uploads')) uploads.add(pathname);
    else if (ends) uploads.delete(pathname);
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    location: `s3://${bucket}/kept/here`,
    unfinished: () => [...uploads],
    async end() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

export const bucketPlace = async (): Promise<Place> => {
  const server = await s3Server();
  const storage = await openStorage(server.location, { s3Endpoint: server.endpoint });
  return {
    storage,
    unfinished: async () => server.unfinished(),
    async end() {
      storage.close();
      await server.end();
    },
  };
};

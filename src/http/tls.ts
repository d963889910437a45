/**
 * TLS at our own door, from files, as most platforms hand certificates out and replace them: what changes on
 * disk is in force for the next connection. With `clientCa` whoever comes must show a certificate of it
 * (mutual TLS), before a single byte of HTTP is read.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Server } from 'node:https';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

export interface TlsFiles {
  /** PEM: the server's certificate, followed by those between it and its root. */
  readonly cert: string;
  readonly key: string;
  /** PEM: whose certificates clients must show. */
  readonly clientCa?: string;
}

export interface Tls {
  readonly options: SecureContextOptions & {
    readonly requestCert: boolean;
    readonly rejectUnauthorized: boolean;
  };
  /** Looks at the files again every so often; what cannot be used is reported, and the old stays. */
  follow(server: Server, everyMs?: number): () => void;
}

const lookEveryMs = 10_000;

/** @throws Error that names the file, where one cannot be read or they do not belong together */
export const openTls = async (files: TlsFiles, onError: (error: unknown) => void): Promise<Tls> => {
  const first = await read(files);
  const isMutual = files.clientCa !== undefined;
  return {
    options: { ...first.context, requestCert: isMutual, rejectUnauthorized: isMutual },
    follow: (server, everyMs = lookEveryMs) => {
      let inForce = first.print;
      const look = async (): Promise<void> => {
        const { context, print } = await read(files);
        if (print === inForce) return;
        server.setSecureContext(context);
        inForce = print;
      };
      const timer = setInterval(() => look().catch(onError), everyMs);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
};

const read = async ({ cert, key, clientCa }: TlsFiles) => {
  const context: SecureContextOptions = {
    minVersion: 'TLSv1.2',
    cert: await textOf(cert),
    key: await textOf(key),
    ...(clientCa === undefined ? {} : { ca: await textOf(clientCa) }),
  };
  try {
    // A certificate and another one's key would otherwise be found out by the first client.
    createSecureContext(context);
  } catch (cause) {
    throw new Error(`TLS cannot be served with ${cert} and ${key}: they are no certificate and its key.`, {
      cause,
    });
  }
  const print = createHash('sha256').update(JSON.stringify(context)).digest('hex');
  return { context, print };
};

const textOf = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`The file ${file} cannot be read.`, { cause });
  });

/** Exports: list, starting, stopping, and where their files are. */
import { infiniteQueryOptions } from '@tanstack/react-query';
import { call, get, urlOf } from './client.ts';
import { nextCursor } from './paging.ts';
import type { Actor, Page, Timestamp } from './types.ts';

export interface Export {
  readonly id: string;
  readonly query: string;
  readonly label: string | null;
  readonly state: string;
  readonly format: string;
  readonly fields: readonly string[];
  readonly requestedBy: Actor;
  readonly requestedAt: Timestamp;
  readonly expiresAt: Timestamp | null;
  readonly rows: number;
  readonly total: number | null;
  readonly bytes: number | null;
  readonly error?: { readonly code: string; readonly message: string };
}

export const exportsKey = ['exports'] as const;

export const exportsQuery = infiniteQueryOptions({
  queryKey: exportsKey,
  queryFn: ({ pageParam, signal }) =>
    get<Page<Export>>('/exports', { query: { limit: 50, cursor: pageParam }, signal }),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: nextCursor,
});

export const formats = [
  { value: 'csv', label: 'CSV' },
  { value: 'xlsx', label: 'Excel workbook' },
  { value: 'ndjson', label: 'NDJSON' },
] as const;

export interface StartExport {
  readonly query: string;
  readonly format: string;
  readonly where?: Readonly<Record<string, unknown>>;
  readonly label?: string;
}

export const startExport = async (body: StartExport): Promise<Export> =>
  (await call<Export>('/exports', { method: 'POST', body })).body;

export const cancelExport = async (id: string): Promise<Export> =>
  (await call<Export>(`/exports/${encodeURIComponent(id)}/cancel`, { method: 'POST', body: {} })).body;

export const fileUrl = (id: string): string => urlOf(`/exports/${encodeURIComponent(id)}/file`);

export const isRunning = ({ state }: Export): boolean => state === 'accepted' || state === 'running';

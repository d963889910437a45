/**
 * What access needs from the rest of the program, as small as it is: time, ids, the codec for what is
 * personal, and somewhere to tell of a fault that no caller waits for.
 */
import type { Codec } from '../events/codec.ts';

export type Clock = () => Date;

/** Unique and never given twice; a UUID. */
export type NewId = () => string;

export type TextCodec = Pick<Codec, 'encryptText' | 'decryptText'>;

export type OnError = (error: unknown, doing: string) => void;

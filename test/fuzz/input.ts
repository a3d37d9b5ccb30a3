// One input of the codec's fuzzer: bytes of a client or of a worker, and everything else that decides how they are fed.
// It can be written down and read back, so that what once failed is replayed for ever (corpus.json).
import { Buffer } from 'node:buffer';
import type { HeadLimits } from '../../router/http1/message.ts';

/** How the bytes are handed to the parser, and what the router does with what it reports. */
export interface Feeding {
  /** Offsets at which the bytes are cut, in any order. */
  readonly cuts: readonly number[];
  /** Bit n: the parser is paused within its nth call back, modulo 32. */
  readonly pauses: number;
  /** A body is passed on when it came whole, instead of as it comes. */
  readonly holdsBody: boolean;
  /** The client is a proxy that is believed. */
  readonly isTrusted: boolean;
}

/** The request that an answer belongs to. */
export interface Exchange {
  readonly method: string;
  readonly asksUpgrade: boolean;
  /** Of the client that gets the answer. */
  readonly minorVersion: 0 | 1;
}

export interface RequestInput {
  readonly direction: 'request';
  readonly bytes: Buffer;
  readonly limits: HeadLimits;
  readonly feeding: Feeding;
}

export interface ResponseInput {
  readonly direction: 'response';
  readonly bytes: Buffer;
  readonly limits: HeadLimits;
  readonly feeding: Feeding;
  /** At least one: as many answers are asked for, one after another on the same connection. */
  readonly exchanges: readonly [Exchange, ...Exchange[]];
}

export type Input = RequestInput | ResponseInput;

/** What the router grants clients and workers unless it is told otherwise. */
export const requestLimits: HeadLimits = { maxHeadBytes: 16_384, maxFields: 200 };
export const responseLimits: HeadLimits = { maxHeadBytes: 65_536, maxFields: 500 };
export const inOnePiece: Feeding = { cuts: [], pauses: 0, holdsBody: true, isTrusted: false };

/** As one line of JSON, the bytes as latin-1 text. */
export function describeInput(input: Input): string {
  return JSON.stringify({ ...input, bytes: input.bytes.toString('latin1') });
}

/** What describeInput wrote; the file it comes from is ours. */
export function parseInput(text: string): Input {
  const { bytes, ...rest } = JSON.parse(text) as Omit<Input, 'bytes'> & { readonly bytes: string };
  return { ...rest, bytes: Buffer.from(bytes, 'latin1') } as Input;
}

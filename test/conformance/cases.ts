// The raw HTTP/1.1 cases (test/conformance/data) as bytes, for every suite that sends them.
import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../harness/paths.ts';

/** The machine-checkable part of a request case. Where a member is missing, the case says nothing about it. */
export interface ExpectedOutcome {
  /** Of the first final response. */
  readonly status?: number;
  readonly reachesApp?: boolean;
  readonly closes?: boolean;
  /** In words, where the outcome depends on the configuration. */
  readonly note?: string;
}

export interface RequestCase {
  readonly id: string;
  readonly description: string;
  /** Our behaviour, in words. */
  readonly profile: string;
  readonly bytes: Buffer;
  /** The client ends its direction behind the bytes; otherwise it waits. */
  readonly halfCloses: boolean;
  readonly expect: ExpectedOutcome;
}

export interface ResponseCase {
  readonly id: string;
  readonly description: string;
  readonly profile: string;
  /** What the worker sends; it closes behind it. */
  readonly bytes: Buffer;
  /** The method of the request that is answered so. */
  readonly method: 'GET' | 'HEAD';
}

interface RawCase {
  readonly id: string;
  readonly description: string;
  /** Latin-1 text. */
  readonly raw: string;
  readonly profile: string;
  readonly expect?: ExpectedOutcome;
}

const halfCloseMarker = '\u0004EOF';

export function requestCases(): readonly RequestCase[] {
  return readCases('requests.json').map(({ id, description, profile, raw, expect = {} }) => {
    const halfCloses = raw.endsWith(halfCloseMarker);
    const sent = halfCloses ? raw.slice(0, -halfCloseMarker.length) : raw;
    return { id, description, profile, bytes: Buffer.from(sent, 'latin1'), halfCloses, expect };
  });
}

export function responseCases(): readonly ResponseCase[] {
  return readCases('responses.json').map(({ id, description, profile, raw }) => ({
    id,
    description,
    profile,
    bytes: Buffer.from(raw, 'latin1'),
    method: description.startsWith('HEAD ') ? 'HEAD' : 'GET',
  }));
}

function readCases(file: string): readonly RawCase[] {
  // The data is ours and its shape is what the suites assert; a broken file fails every one of them.
  return JSON.parse(readFileSync(join(packageRoot, 'test/conformance/data', file), 'utf8')) as readonly RawCase[];
}

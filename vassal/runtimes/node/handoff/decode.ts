// What a router sends over the channel: read with care, though it is of our build and user.
import { Buffer } from 'node:buffer';
import type { ToWorker } from '../../../../lib/handoff.ts';

type Kind = 'string' | 'number' | 'boolean' | 'text or null';

const shapes: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  hello: { version: 'number', idPrefix: 'string', slots: 'number' },
  rules: {
    isServing: 'boolean',
    limitPost: 'number',
    generation: 'text or null',
    accessLog: 'boolean',
    idleMs: 'number',
    drainMs: 'number',
  },
  take: { slot: 'number', address: 'string', host: 'string' },
  recall: { slot: 'number' },
};

/** The message, or what is wrong with it. */
export function decodeToWorker(bytes: Uint8Array): ToWorker | string {
  let message: unknown;
  try {
    message = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch {
    return 'not JSON';
  }
  if (typeof message !== 'object' || message === null) return 'not an object';
  const fields = message as Readonly<Record<string, unknown>>;
  const type = fields['type'];
  const shape = typeof type === 'string' && Object.hasOwn(shapes, type) ? shapes[type] : undefined;
  if (shape === undefined) return `unknown type ${JSON.stringify(type)}`;
  for (const [field, kind] of Object.entries(shape)) {
    if (!isOf(fields[field], kind)) return `${String(type)}: ${field} is no ${kind}`;
  }
  return message as ToWorker;
}

function isOf(value: unknown, kind: Kind): boolean {
  if (kind === 'text or null') return value === null || typeof value === 'string';
  return typeof value === kind;
}

// What a worker said, checked value by value: it runs an app's code, and what it says ends up in counters, in the access
// log and in decisions about other connections.
import type {
  FromWorker,
  HandoffBack,
  HandoffGone,
  HandoffLogEntry,
  HandoffReport,
  HandoffStray,
} from '../../../lib/handoff.ts';

/** The message, or a sentence where it is none. */
export function decodeFromWorker(bytes: Uint8Array): FromWorker | string {
  let raw: unknown;
  try {
    raw = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch {
    return 'not JSON';
  }
  if (!isRecord(raw)) return 'not an object';
  const type = raw['type'];
  const decode = typeof type === 'string' ? decoders.get(type) : undefined;
  if (decode === undefined) return `unknown type ${JSON.stringify(type ?? null).slice(0, 40)}`;
  return decode(raw) ?? `${String(type)}: of another shape`;
}

const decoders: ReadonlyMap<string, (raw: Raw) => FromWorker | undefined> = new Map<
  string,
  (raw: Raw) => FromWorker | undefined
>([
  ['back', decodeBack],
  ['gone', decodeGone],
  ['stray', decodeStray],
  ['report', decodeReport],
  ['ruled', () => ({ type: 'ruled' })],
]);

type Raw = Readonly<Record<string, unknown>>;

function decodeBack({ slot, why }: Raw): HandoffBack | undefined {
  if (!isCount(slot) || (why !== 'idle' && why !== 'recalled' && why !== 'stray')) return undefined;
  return { type: 'back', slot, why };
}

function decodeGone({ slot }: Raw): HandoffGone | undefined {
  return isCount(slot) ? { type: 'gone', slot } : undefined;
}

function decodeStray({ address }: Raw): HandoffStray | undefined {
  return typeof address === 'string' ? { type: 'stray', address } : undefined;
}

function decodeReport({ requests, inFlight, log }: Raw): HandoffReport | undefined {
  if (!isCount(requests) || !isCount(inFlight) || !Array.isArray(log)) return undefined;
  const entries = log.map(decodeLogEntry);
  return entries.every((entry) => entry !== undefined)
    ? { type: 'report', requests, inFlight, log: entries }
    : undefined;
}

function decodeLogEntry(raw: unknown): HandoffLogEntry | undefined {
  if (!isRecord(raw)) return undefined;
  const { method, host, path, client, requestId, status, bytesIn, bytesOut, durationMs, isCut } = raw;
  const isNamed = isText(method) && isText(host) && isText(path) && isText(client) && isText(requestId);
  const isCounted = isCount(status) && isCount(bytesIn) && isCount(bytesOut) && isDuration(durationMs);
  if (!isNamed || !isCounted || typeof isCut !== 'boolean') return undefined;
  return { method, host, path, status, bytesIn, bytesOut, durationMs, client, requestId, isCut };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isRecord(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

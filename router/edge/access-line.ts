// The line of one request in the access log: JSON, its keys always in this order. Pure: the time is an argument.
// The ordinary line is written byte by byte into memory that is there already, 0.3 µs (Node 20), where the
// text of an object takes 2 µs; whatever is not ordinary takes the way over the text, which is right for all.
import { Buffer } from 'node:buffer';
import type { HandoffLogEntry } from '../../lib/handoff.ts';
import { noBytes, type ByteView } from '../http1/byte-view.ts';

/** What a worker can say of a request too, and what only a router knows. Of bytes, those of the bodies from and to the client. */
export interface AccessEntry extends Omit<HandoffLogEntry, 'isCut'> {
  /** Undefined where no app was found. */
  readonly app: string | undefined;
  /** `name/generation/worker`; undefined where none was asked. */
  readonly worker: string | undefined;
  /** How long it waited for a worker; written in hundredths, as durationMs is. */
  readonly queueMs: number;
  /** Only where the exchange did not end with a worker's whole answer: why, and by whom. */
  readonly cause: string | undefined;
  readonly endedBy: string | undefined;
}

/** The line of any entry, with its end. `wallMs`: milliseconds since the epoch. */
export function accessLineText(entry: AccessEntry, wallMs: number): string {
  const { app, worker, method, host, path, status, bytesIn, bytesOut, client, requestId, cause, endedBy } = entry;
  const time = new Date(wallMs).toISOString();
  const durationMs = roundMs(entry.durationMs);
  const queueMs = roundMs(entry.queueMs);
  return `${JSON.stringify({
    kind: 'access',
    time,
    app: app ?? null,
    worker: worker ?? null,
    method,
    host,
    path,
    status,
    bytesIn,
    bytesOut,
    durationMs,
    queueMs,
    client,
    requestId,
    cause,
    endedBy,
  })}\n`;
}

function roundMs(ms: number): number {
  return Math.round(ms * 100) / 100;
}

const ends = {
  app: keyOf('","worker":"'),
  worker: keyOf('","method":"'),
  method: keyOf('","host":"'),
  host: keyOf('","path":"'),
  path: keyOf('","status":'),
  status: keyOf(',"bytesIn":'),
  bytesIn: keyOf(',"bytesOut":'),
  bytesOut: keyOf(',"durationMs":'),
  durationMs: keyOf(',"queueMs":'),
  queueMs: keyOf(',"client":"'),
  client: keyOf('","requestId":"'),
  requestId: keyOf('"}\n'),
};

/** What a line begins with behind its whole seconds; the milliseconds are put in. */
const afterSeconds = '000Z","app":"';

/** Keys, time and numbers take 242 bytes at most, and the last key is written in whole words. */
const roomBesideTexts = 256;

/** Enough room for whatever `AccessLine.write` writes. */
export function roomForLine({ app = '', worker = '', method, host, path, client, requestId }: AccessEntry): number {
  const texts = app.length + worker.length + method.length + host.length + path.length;
  return roomBesideTexts + texts + client.length + requestId.length;
}

export class AccessLine {
  /** The line's beginning, up to the app's name: the same for all lines of a millisecond, and but for it, of a second. */
  #beginning = keyOf('');
  #wallMs = NaN;
  #second = NaN;
  #view = noBytes;
  #at = 0;
  #isOrdinary = true;

  /**
   * Writes the line at `at` of a view that has room for it (see roomForLine), and returns where it ends; or -1 where
   * the entry is not ordinary: accessLineText then has its line, and the bytes from `at` on mean nothing.
   */
  write(view: ByteView, at: number, entry: AccessEntry, wallMs: number): number {
    const { app, worker, cause, endedBy } = entry;
    if (app === undefined || worker === undefined || cause !== undefined || endedBy !== undefined) return -1;
    if (wallMs !== this.#wallMs) this.#setTime(wallMs);
    this.#begin(view, at);
    this.#copy(this.#beginning);
    this.#text(app, ends.app);
    this.#text(worker, ends.worker);
    this.#text(entry.method, ends.method);
    this.#text(entry.host, ends.host);
    this.#text(entry.path, ends.path);
    this.#count(entry.status, ends.status);
    this.#count(entry.bytesIn, ends.bytesIn);
    this.#count(entry.bytesOut, ends.bytesOut);
    this.#hundredths(entry.durationMs, ends.durationMs);
    this.#hundredths(entry.queueMs, ends.queueMs);
    this.#text(entry.client, ends.client);
    this.#text(entry.requestId, ends.requestId);
    return this.#isOrdinary ? this.#at : -1;
  }

  #begin(view: ByteView, at: number): void {
    this.#view = view;
    this.#at = at;
    this.#isOrdinary = true;
  }

  #setTime(wallMs: number): void {
    const second = Math.floor(wallMs / 1000);
    if (second !== this.#second) {
      const iso = new Date(second * 1000).toISOString();
      this.#beginning = keyOf(`{"kind":"access","time":"${iso.slice(0, -'000Z'.length)}${afterSeconds}`);
      this.#second = second;
    }
    this.#wallMs = wallMs;
    const ms = Math.floor(wallMs) - second * 1000;
    const { padded, length } = this.#beginning;
    const at = length - afterSeconds.length;
    padded.setInt8(at, 0x30 + ((ms / 100) | 0));
    padded.setInt8(at + 1, 0x30 + (((ms / 10) | 0) % 10));
    padded.setInt8(at + 2, 0x30 + (ms % 10));
  }

  /** A text of ASCII that JSON writes as it stands. */
  #text(text: string, end: Key): void {
    const { bytes } = this.#view;
    const at = this.#at;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      // Quotes and backslashes are escaped, control characters too, and others take more than one byte.
      if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) this.#isOrdinary = false;
      bytes[at + i] = code;
    }
    this.#at = at + text.length;
    this.#copy(end);
  }

  /** A whole number, 0 or more. */
  #count(value: number, end: Key): void {
    if (value !== (value | 0) || value < 0) this.#isOrdinary = false;
    else this.#digits(value);
    this.#copy(end);
  }

  #hundredths(ms: number, end: Key): void {
    const value = Math.round(ms * 100);
    if (value !== (value | 0) || value < 0) {
      this.#isOrdinary = false;
      return;
    }
    const whole = (value / 100) | 0;
    this.#digits(whole);
    const rest = value - whole * 100;
    if (rest > 0) {
      const { bytes } = this.#view;
      bytes[this.#at++] = 0x2e;
      bytes[this.#at++] = 0x30 + ((rest / 10) | 0);
      if (rest % 10 > 0) bytes[this.#at++] = 0x30 + (rest % 10);
    }
    this.#copy(end);
  }

  #digits(value: number): void {
    let length = 1;
    for (let limit = 10; limit <= value; limit *= 10) length++;
    const { bytes } = this.#view;
    let rest = value;
    for (let pos = this.#at + length - 1; pos >= this.#at; pos--) {
      bytes[pos] = 0x30 + (rest % 10);
      rest = (rest / 10) | 0;
    }
    this.#at += length;
  }

  /** Word by word: what the last one has too much is overwritten by what follows, or lies in the line's room. */
  #copy({ padded, length }: Key): void {
    const to = this.#view.words;
    const at = this.#at;
    for (let pos = 0; pos < length; pos += 4) to.setInt32(at + pos, padded.getInt32(pos));
    this.#at = at + length;
  }
}

interface Key {
  /** Its bytes, and others up to a whole word. */
  readonly padded: DataView;
  readonly length: number;
}

function keyOf(text: string): Key {
  const bytes = Buffer.alloc(Math.ceil(text.length / 4) * 4);
  bytes.write(text, 'latin1');
  return { padded: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), length: text.length };
}

// Where a parser gets its bytes from: amid bytes that would mean something, and that change from feeding to feeding, so
// that a parser which reads beyond its range, or keeps a reference after its call, reports something else.
import { Buffer } from 'node:buffer';
import { must } from './finding.ts';

export interface Place {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

const margin = 16;
const surroundings = ['\r\n', '0\r\n\r\n', ': ', 'a', '\0', '5\r\nhello', ' \t', '\xff'].map((text) =>
  Buffer.alloc(margin, text, 'latin1'),
);

export class Arena {
  #buffer = Buffer.alloc(4096);
  #turn = 0;

  /** Copies bytes[start, end); what was placed before is overwritten. */
  place(bytes: Buffer, start: number, end: number): Place {
    const length = end - start;
    if (length + 2 * margin > this.#buffer.length) this.#buffer = Buffer.alloc(2 * length + 2 * margin);
    const surrounding = surroundings[this.#turn++ % surroundings.length] as Buffer;
    const buffer = this.#buffer;
    surrounding.copy(buffer, 0);
    bytes.copy(buffer, margin, start, end);
    surrounding.copy(buffer, margin + length);
    return { buffer, start: margin, end: margin + length };
  }
}

/** The same, slower and without doubt: each access outside of the range is a finding. */
export function guarded({ buffer, start, end }: Place): Place {
  const mustBeInside = (from: number, to: number): void => {
    must('bounds', from >= start && to <= end, () => `bytes[${from}, ${to}) of [${start}, ${end}) were read`);
  };
  const methods = {
    copy: (target: Uint8Array, at = 0, from = 0, to = buffer.length): number => {
      if (from < to) mustBeInside(from, to);
      return buffer.copy(target, at, from, to);
    },
    toString: (encoding?: BufferEncoding, from = 0, to = buffer.length): string => {
      if (from < to) mustBeInside(from, to);
      return buffer.toString(encoding, from, to);
    },
    subarray: (from = 0, to = buffer.length): Buffer => {
      mustBeInside(from, to);
      return buffer.subarray(from, to);
    },
  };
  const proxy = new Proxy(buffer, {
    get: (_, key): unknown => {
      if (typeof key === 'string' && /^\d+$/.test(key)) mustBeInside(Number(key), Number(key) + 1);
      if (key === 'length') return buffer.length;
      if (Object.hasOwn(methods, key)) return methods[key as keyof typeof methods];
      const value: unknown = Reflect.get(buffer, key, buffer);
      must('bounds', typeof value !== 'function', () => `the guard does not know ${String(key)}() of a Buffer`);
      return value;
    },
    set: () => {
      must('bounds', false, 'the parser wrote to its input');
      return false;
    },
  });
  return { buffer: proxy, start, end };
}

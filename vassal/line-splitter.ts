// Turns the bytes of one output stream into lines. A line that never ends is cut, so memory stays bounded; bytes
// that are no UTF-8 become U+FFFD. Knows nothing of files.
import { StringDecoder } from 'node:string_decoder';

/** Longest line in UTF-16 units; what is longer continues on the next line. */
export const maxLineLength = 64 * 1024;

export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    this.#onText(this.#decoder.write(chunk));
  }

  /** The stream ended: what is left is a line too. */
  end(): void {
    this.#onText(this.#decoder.end());
    if (this.#rest !== '') this.#emit(this.#rest);
    this.#rest = '';
  }

  #onText(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = this.#cut(lines.pop() ?? '');
    for (const line of lines) this.#emit(this.#cut(line));
  }

  /** Emits whole lengths of `line` and returns the remainder. */
  #cut(line: string): string {
    let rest = line;
    while (rest.length > maxLineLength) {
      // Never between the halves of a surrogate pair: either half alone would be written as U+FFFD.
      const end = isHighSurrogate(rest.charCodeAt(maxLineLength - 1)) ? maxLineLength - 1 : maxLineLength;
      this.#onLine(rest.slice(0, end));
      rest = rest.slice(end);
    }
    return rest;
  }

  #emit(line: string): void {
    this.#onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

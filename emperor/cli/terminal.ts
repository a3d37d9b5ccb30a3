// Where a verb writes and what it reads of its surroundings: the one place that touches the process' own streams.
import type { Writable } from 'node:stream';
import { styleText } from 'node:util';

export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  readonly uid: number;
  /** Standard output shows colours. */
  readonly hasColour: boolean;
  /** Results. */
  out(text: string): void;
  /** What went wrong. */
  err(text: string): void;
}

export const terminal: Terminal = {
  env: process.env,
  uid: process.getuid?.() ?? 0,
  // https://no-color.org: any value that is not empty.
  hasColour: process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb',
  out: (text) => {
    write(process.stdout, text);
  },
  err: (text) => {
    write(process.stderr, text);
  },
};

// A reader that goes away (`emperor logs | head`), or a full disk behind a redirection, ends nothing of ours.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);

function write(stream: Writable, text: string): void {
  if (!stream.destroyed) stream.write(text);
}

export type Colour = 'green' | 'red' | 'yellow' | 'dim' | 'bold';

/** The text in a colour where the terminal shows colours. */
export function paint({ hasColour }: Pick<Terminal, 'hasColour'>, colour: Colour, text: string): string {
  return hasColour ? styleText(colour, text, { validateStream: false }) : text;
}

// Finds the first place where a text is not strict JSON. The values are then read by the YAML parser, which knows
// where everything stands; but YAML accepts more than JSON, and its errors would not speak of JSON.

export interface SyntaxFault {
  readonly offset: number;
  readonly message: string;
  readonly hint: string | null;
}

const space = /[ \t\r\n]*/y;
const scalar =
  /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|(?:true|false|null)(?!\w)/y;

/** What may come next: any value, the first key or `}`, the first value or `]`, and so on. */
type Expectation = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'comma-or-end' | 'nothing';

const words: Readonly<Record<Expectation, (closer: string) => string>> = {
  value: () => 'a value',
  'value-or-end': () => 'a value or ]',
  key: () => 'a key in double quotes',
  'key-or-end': () => 'a key in double quotes or }',
  colon: () => 'a colon',
  'comma-or-end': (closer) => `a comma or ${closer}`,
  nothing: () => 'the end of the file',
};

/** The first fault of a JSON text, undefined where it is strict JSON. Takes linear time, however deep the text nests. */
export function findJsonFault(text: string): SyntaxFault | undefined {
  const closers: string[] = [];
  let expectation: Expectation = 'value';
  let offset = skip(text, 0);
  while (offset < text.length || expectation !== 'nothing') {
    const step = readToken(text, offset, { expectation, closer: closers.at(-1) ?? '' });
    if (step === undefined) return fault(text, offset, { expectation, closer: closers.at(-1) ?? '' });
    if (step.opens !== undefined) closers.push(step.opens);
    if (step.closes) closers.pop();
    expectation = step.next === 'after-value' ? (closers.length === 0 ? 'nothing' : 'comma-or-end') : step.next;
    offset = skip(text, step.end);
  }
  return undefined;
}

interface Context {
  readonly expectation: Expectation;
  /** What ends the innermost list or map; empty at the top. */
  readonly closer: string;
}

interface Step {
  readonly end: number;
  readonly next: Expectation | 'after-value';
  readonly opens?: string;
  readonly closes?: boolean;
}

/** The next token, if it is one that may come; undefined where it is not. */
function readToken(text: string, offset: number, { expectation, closer }: Context): Step | undefined {
  const char = text[offset] ?? '';
  const end = offset + 1;
  if (char === closer && mayEnd.has(expectation)) return { end, next: 'after-value', closes: true };
  if (expectation === 'colon') return char === ':' ? { end, next: 'value' } : undefined;
  if (expectation === 'comma-or-end') {
    return char === ',' ? { end, next: closer === '}' ? 'key' : 'value' } : undefined;
  }
  if (expectation.startsWith('key')) {
    return char === '"' ? readScalar(text, offset, 'colon') : undefined;
  }
  return expectation === 'nothing' ? undefined : readValue(text, offset);
}

function readValue(text: string, offset: number): Step | undefined {
  if (text[offset] === '{') return { end: offset + 1, next: 'key-or-end', opens: '}' };
  if (text[offset] === '[') return { end: offset + 1, next: 'value-or-end', opens: ']' };
  return readScalar(text, offset, 'after-value');
}

const mayEnd: ReadonlySet<Expectation> = new Set(['comma-or-end', 'key-or-end', 'value-or-end']);

function readScalar(text: string, offset: number, next: Step['next']): Step | undefined {
  scalar.lastIndex = offset;
  return scalar.test(text) ? { end: scalar.lastIndex, next } : undefined;
}

function fault(text: string, offset: number, { expectation, closer }: Context): SyntaxFault {
  const isText = expectation !== 'colon' && expectation !== 'comma-or-end' && expectation !== 'nothing';
  if (text[offset] === '"' && isText) return textFault(text, offset);
  const found = offset >= text.length ? 'the end of the file' : describe(text, offset);
  return {
    offset,
    message: `expected ${words[expectation](closer)}, got ${found}`,
    hint: hintFor(text, offset, expectation),
  };
}

/** Why a text that starts at `offset` is none. */
function textFault(text: string, offset: number): SyntaxFault {
  for (let at = offset + 1; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === '"') break;
    if (char === '\n' || char === '\r') break;
    if (char < ' ')
      return { offset: at, message: 'expected an escape, got a bare control character', hint: 'write a tab as \\t' };
    if (char !== '\\') continue;
    if (!/^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(text.slice(at + 1, at + 6))) {
      const found = describe(text, at + 1);
      return {
        offset: at,
        message: `expected an escape such as \\n or \\\\, got \\ before ${found}`,
        hint: 'write a backslash as \\\\',
      };
    }
    at += 1;
  }
  return {
    offset,
    message: 'expected a closing double quote on the same line',
    hint: 'end the text with " (a new line within it is \\n)',
  };
}

function hintFor(text: string, offset: number, expectation: Expectation): string | null {
  const rest = text.slice(offset, offset + 2);
  if (/^(?:#|\/\/|\/\*)/.test(rest)) return 'JSON has no comments; name the file .yaml to write them';
  if (/^[}\]]/.test(rest) && text.slice(0, offset).trimEnd().endsWith(',')) return 'remove the comma before it';
  if (expectation === 'comma-or-end' && rest.startsWith('"')) return 'put a comma before it';
  if (/^[A-Za-z']/.test(rest) && expectation !== 'nothing') return 'JSON texts and keys are in double quotes';
  return null;
}

function describe(text: string, offset: number): string {
  const word = /^[\w.+-]+/.exec(text.slice(offset, offset + 20))?.[0];
  return word ?? String.fromCodePoint(text.codePointAt(offset) ?? 0xfffd);
}

function skip(text: string, offset: number): number {
  space.lastIndex = offset;
  space.test(text);
  return space.lastIndex;
}

// The YAML parser's errors in words that say what was expected. Only the first error of a file is told: those
// behind it are mostly its echoes.
import type { Document, ErrorCode, YAMLError } from 'yaml';

export interface YamlFault {
  /** In UTF-16 units from the start of the text. */
  readonly offset: number;
  readonly message: string;
  readonly hint: string | null;
}

/** The first error of a parsed document, explained; undefined where it has none. */
export function explainYamlErrors(document: Document, text: string): YamlFault | undefined {
  const [error, ...others] = document.errors.toSorted((one, other) => one.pos[0] - other.pos[0]);
  // A warning is an error here: what the parser only warns of (an unknown tag or directive) has no effect at all.
  if (error === undefined) {
    const warning = document.warnings[0];
    return warning === undefined ? undefined : faultOf(warning, text);
  }
  const swallowed = isSwallowedLine(error, others) ? nextLine(text, error.pos[0]) : undefined;
  if (swallowed !== undefined) {
    return {
      offset: swallowed,
      message: 'this line is indented as if it belonged to the value above it',
      hint: 'indent it as far as the other keys of its map',
    };
  }
  return faultOf(error, text);
}

type Explanation = (error: { readonly message: string; readonly char: string; readonly rest: string }) => {
  readonly message: string;
  readonly hint: string | null;
};

const explanations: Partial<Record<ErrorCode, Explanation>> = {
  TAB_AS_INDENT: () => ({
    message: 'expected spaces for indentation, got a tab',
    hint: 'YAML is never indented with tabs: replace them with spaces',
  }),
  BAD_ALIAS: () => ({
    message: 'expected a value, got a bare *, which YAML reads as a reference',
    hint: 'write it in quotes: "*"',
  }),
  BAD_SCALAR_START: ({ char }) => ({
    message: `expected a value, got ${char}, which no unquoted text may start with`,
    hint: 'put the text in quotes',
  }),
  BAD_DQ_ESCAPE: ({ rest }) => ({
    message: `expected an escape such as \\n or \\\\, got ${rest.slice(0, 2)}`,
    hint: "write a backslash as \\\\, or put the text in '…'",
  }),
  BLOCK_AS_IMPLICIT_KEY: ({ message }) =>
    message.includes('sequence')
      ? { message: 'this line is indented unlike the entries above it', hint: 'indent all entries of a list alike' }
      : {
          message: 'expected one value, got a further key: value on the same line',
          hint: 'quote a text that contains ": "',
        },
  MULTILINE_IMPLICIT_KEY: () => ({
    message: 'expected key: value on one line',
    hint: 'put a space after the colon, and indent what belongs together alike',
  }),
  MISSING_CHAR: ({ message }) => {
    if (message.includes('"'))
      return { message: 'expected a closing "', hint: 'end the text with the quote it starts with' };
    if (message.includes("'"))
      return { message: "expected a closing '", hint: 'end the text with the quote it starts with' };
    if (message.includes('map'))
      return { message: 'expected a colon and a value after the key', hint: 'write key: value' };
    return { message: `expected something that is missing (${message})`, hint: null };
  },
  BAD_INDENT: ({ message }) => {
    if (message.includes('Flow sequence'))
      return { message: 'expected ] to close the list', hint: 'close every [ with a ]' };
    if (message.includes('Flow map')) return { message: 'expected } to close the map', hint: 'close every { with a }' };
    return {
      message: 'this line is indented unlike the lines it belongs to',
      hint: 'indent the keys of a map alike, and what is in quotes or brackets further than its key',
    };
  },
  MULTIPLE_DOCS: () => ({
    message: 'expected one document, got the start of a second one (---)',
    hint: 'one app a file: move the rest to a file of its own',
  }),
  UNEXPECTED_TOKEN: ({ message, char }) => ({
    message: message.includes('Unexpected') && char !== '' ? `expected a new line or a value, got ${char}` : message,
    hint: 'indent keys alike, close what is open, and quote texts with special characters',
  }),
  RESOURCE_EXHAUSTION: () => ({ message: 'expected a config file, got nesting without end', hint: 'flatten the file' }),
  MULTIPLE_ANCHORS: () => ({ message: 'expected one anchor (&name) at most', hint: null }),
  MULTIPLE_TAGS: () => ({ message: 'expected one tag (!name) at most', hint: null }),
  TAG_RESOLVE_FAILED: ({ message }) => ({
    message: `the tag ${message.replace('Unresolved tag: ', '')} means nothing here`,
    hint: 'remove the tag, or quote the text',
  }),
};

function faultOf(error: Pick<YAMLError, 'code' | 'message' | 'pos'>, text: string): YamlFault {
  const offset = error.pos[0];
  const rest = text.slice(offset, offset + 20);
  const char = rest === '' ? '' : String.fromCodePoint(rest.codePointAt(0) ?? 0xfffd);
  const explain = explanations[error.code];
  const { message, hint } = explain?.({ message: error.message, char: nameOf(char), rest }) ?? {
    message: `not valid YAML: ${error.message.slice(0, 200)}`,
    hint: null,
  };
  return { offset, message, hint };
}

/** `a: 1` with a deeper indented `b: 2` below it: the parser takes both lines for one key and says so at its start. */
function isSwallowedLine(error: YAMLError, others: readonly YAMLError[]): boolean {
  return (
    error.code === 'BLOCK_AS_IMPLICIT_KEY' &&
    others.some((other) => other.code === 'MULTILINE_IMPLICIT_KEY' && other.pos[0] === error.pos[0])
  );
}

/** The first character of the first line below `offset` that is not blank. */
function nextLine(text: string, offset: number): number | undefined {
  const match = /\n[ \t\r\n]*(?=[^ \t\r\n])/g;
  match.lastIndex = offset;
  return match.test(text) ? match.lastIndex : undefined;
}

function nameOf(char: string): string {
  if (char === '\n' || char === '\r') return 'the end of the line';
  return char === '\t' ? 'a tab' : char;
}

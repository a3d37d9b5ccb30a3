// Reads the head of a gateway request as the specification says it, without a line of the router's: for workers of tests,
// and to judge what the router writes.

/** In latin-1, as everything of tests that is bytes. */
export interface GatewayHead {
  readonly variables: ReadonlyMap<string, string>;
  /** Bytes of the head. */
  readonly length: number;
}

const longestHead = 128 * 1024;

/** The head at the beginning of `text`; undefined while it is not whole. Throws where it is none. */
export function readGatewayHead(text: string): GatewayHead | undefined {
  const colon = text.slice(0, 12).indexOf(':');
  if (colon === -1) {
    if (text.length >= 12 || !/^(|0|[1-9][0-9]*)$/.test(text)) throw new Error(`no netstring: ${text.slice(0, 40)}`);
    return undefined;
  }
  const digits = text.slice(0, colon);
  if (!/^(0|[1-9][0-9]*)$/.test(digits)) throw new Error(`no length of a netstring: ${digits}`);
  const start = colon + 1;
  const end = start + Number(digits);
  if (end - start > longestHead) throw new Error(`a head of ${digits} bytes`);
  if (text.length <= end) return undefined;
  if (text[end] !== ',') throw new Error('no comma behind the netstring');
  return { variables: variablesOf(text.slice(start, end)), length: end + 1 };
}

function variablesOf(content: string): ReadonlyMap<string, string> {
  const words = content.split('\0');
  if (words.pop() !== '' || words.length % 2 !== 0) throw new Error('names and values do not pair up');
  const variables = new Map<string, string>();
  for (let i = 0; i < words.length; i += 2) {
    const [name = '', value = ''] = words.slice(i, i + 2);
    if (!/^[A-Z0-9_]+$/.test(name)) throw new Error(`no name of a variable: ${JSON.stringify(name)}`);
    if (variables.has(name)) throw new Error(`${name} twice`);
    variables.set(name, value);
  }
  return variables;
}

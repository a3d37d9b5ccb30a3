// The head of an app's answer on a connection that was handed over, as the router would have written it
// (router/core/response-fields.ts): what concerns one connection only is ours to say. Works on the text that Node is
// about to send. Pure.

export interface AnswerFacts {
  readonly status: number;
  /** The answer to HEAD: it may tell the length of a body that it does not have. */
  readonly isHead: boolean;
  /** The connection ends after this answer. */
  readonly closes: boolean;
  /** `name/generation`, where clients are told. */
  readonly generation: string | null;
  /** The present time as an HTTP date, where Node was told to send none. */
  readonly date: string | undefined;
}

const special =
  /\r\n(?:connection|keep-alive|proxy-connection|te|trailer|upgrade|http2-settings|proxy-authenticate|proxy-authorization|x-emperor-generation):/i;
const framing = /\r\n(?:content-length|transfer-encoding):/i;
const dropped = new Set(
  'keep-alive proxy-connection te upgrade http2-settings proxy-authenticate proxy-authorization x-emperor-generation'.split(
    ' ',
  ),
);

/** Nothing delimits a body that is not there. */
export function hasNoBody({ status, isHead }: Pick<AnswerFacts, 'status' | 'isHead'>): boolean {
  return isHead || status === 204 || status === 304;
}

/** Says how long the body is: such an answer ends before its connection does. */
export function tellsLength(head: string): boolean {
  return /\r\ncontent-length:/i.test(head);
}

/** `head` with all lines and the empty one, as Node made it. */
export function writeAnswerHead(head: string, facts: AnswerFacts): string {
  const { generation, date, closes } = facts;
  const isRead = special.test(head) || (hasNoBody(facts) && framing.test(head));
  // Most answers stay as they are.
  if (!isRead && !closes && generation === null && date === undefined) return head;
  let lines = (isRead ? withoutOwn(head, facts) : head).slice(0, -2);
  if (date !== undefined && !/\r\ndate:/i.test(lines)) lines += `Date: ${date}\r\n`;
  if (generation !== null) lines += `X-Emperor-Generation: ${generation}\r\n`;
  if (closes) lines += 'Connection: close\r\n';
  return `${lines}\r\n`;
}

/** Without the lines that are ours to write. */
function withoutOwn(head: string, facts: AnswerFacts): string {
  const [statusLine = '', ...fields] = head.slice(0, -4).split('\r\n');
  const nominated = fields.filter((line) => nameOf(line) === 'connection').flatMap(optionsOf);
  const isBodiless = hasNoBody(facts);
  const isChunked = !isBodiless && fields.some((line) => /^transfer-encoding: *chunked$/i.test(line));
  const isKept = (line: string): boolean => {
    const name = nameOf(line);
    if (dropped.has(name) || name === 'connection' || nominated.includes(name)) return false;
    if (name === 'trailer') return isChunked;
    if (name === 'transfer-encoding') return !isBodiless;
    if (name === 'content-length') return facts.status !== 204;
    return true;
  };
  return [statusLine, ...fields.filter(isKept), '', ''].join('\r\n');
}

function nameOf(line: string): string {
  return line.slice(0, line.indexOf(':')).toLowerCase();
}

/** What a Connection line names beside the framing, which stays whatever it says. */
function optionsOf(line: string): string[] {
  const value = line.slice(line.indexOf(':') + 1).toLowerCase();
  return value
    .split(',')
    .map((option) => option.trim())
    .filter((option) => option !== 'content-length' && option !== 'transfer-encoding');
}

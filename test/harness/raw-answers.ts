// Reads raw answers as a client would that trusts nothing: how many there are, which is whole, where bytes are left.

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  /** By lower-case name; the last line wins. */
  readonly fields: ReadonlyMap<string, string>;
  /** What came of the body, chunk framing removed. */
  readonly body: string;
  /** The body is whole by its own framing. */
  readonly isWhole: boolean;
}

export interface RawAnswers {
  /** Interim ones left out. */
  readonly final: readonly RawAnswer[];
  readonly interim: readonly RawAnswer[];
  /** Bytes behind the last whole answer that begin no head. */
  readonly rest: string;
}

/** `methods`: of the requests, in order; an answer to HEAD has no body. */
export function readAnswers(received: string, methods: readonly string[] = []): RawAnswers {
  const final: RawAnswer[] = [];
  const interim: RawAnswer[] = [];
  let rest = received;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1 || !rest.startsWith('HTTP/1.1 ')) return { final, interim, rest };
    const head = rest.slice(0, end);
    const fields = new Map(
      head
        .split('\r\n')
        .slice(1)
        .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const status = Number(head.slice(9, 12));
    const isBodyless = status < 200 || status === 204 || status === 304 || methods[final.length] === 'HEAD';
    const { body, isWhole, length } = isBodyless
      ? { body: '', isWhole: true, length: 0 }
      : readBody(rest.slice(end + 4), fields);
    (status < 200 ? interim : final).push({ status, head, fields, body, isWhole });
    rest = rest.slice(end + 4 + length);
    if (!isWhole) return { final, interim, rest };
  }
}

interface Body {
  readonly body: string;
  readonly isWhole: boolean;
  readonly length: number;
}

function readBody(bytes: string, fields: ReadonlyMap<string, string>): Body {
  if (fields.get('transfer-encoding') === 'chunked') return readChunks(bytes);
  const declared = fields.get('content-length');
  if (declared === undefined) return { body: bytes, isWhole: false, length: bytes.length };
  const body = bytes.slice(0, Number(declared));
  return { body, isWhole: body.length === Number(declared), length: body.length };
}

function readChunks(bytes: string): Body {
  let body = '';
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.slice(at, lineEnd), 16);
    if (lineEnd === -1 || Number.isNaN(size)) return { body, isWhole: false, length: bytes.length };
    if (size === 0) {
      const end = bytes.slice(lineEnd).indexOf('\r\n\r\n');
      return end === -1
        ? { body, isWhole: false, length: bytes.length }
        : { body, isWhole: true, length: lineEnd + end + 4 };
    }
    body += bytes.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}

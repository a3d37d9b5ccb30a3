// PURE. Bytes of HTTP/1.1 without what two routers may do differently and both be right: the moment, the request's id,
// and where the pieces of a chunked body end, which follows from when its bytes came.

/** Of what came from the router, at a client or at a worker, in latin-1: its messages; the last may break off. */
export function normalMessages(text: string): readonly string[] {
  const messages: string[] = [];
  for (let rest = text; rest !== '';) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) return [...messages, rest];
    const head = rest.slice(0, end + 4);
    const { body, length } = readBody(head, rest.slice(end + 4));
    messages.push(normalMessage(head, body));
    rest = rest.slice(end + 4 + length);
  }
  return messages;
}

/** A refusal's page tells the request's id too, which makes it as long as the id is. */
function normalMessage(head: string, body: string): string {
  const id = /^x-request-id: ([^\r]+)\r$/im.exec(head)?.[1];
  const isInBody = id !== undefined && body.includes(id);
  const normal = head
    .replace(/^(date|x-request-id): [^\r]*/gim, '$1: *')
    .replace(/^(content-length): (\d+)/im, (line, name: string, length: string) =>
      isInBody ? `${name}: ${Number(length) - id.length} and an id` : line,
    );
  return normal + (isInBody ? body.replaceAll(id, '*') : body);
}

interface Body {
  readonly body: string;
  /** Of what it took. */
  readonly length: number;
}

function readBody(head: string, rest: string): Body {
  if (/^transfer-encoding: chunked\r$/im.test(head)) {
    const { body, length, isWhole } = readChunks(rest);
    return { body: `<${body}${isWhole ? '' : ' …'}>`, length };
  }
  const length = Math.min(rest.length, Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0));
  return { body: rest.slice(0, length), length };
}

function readChunks(text: string): Body & { readonly isWhole: boolean } {
  let body = '';
  for (let at = 0; ;) {
    const lineEnd = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (lineEnd === -1 || Number.isNaN(size)) return { body, length: text.length, isWhole: false };
    if (size === 0) {
      const end = text.indexOf('\r\n\r\n', lineEnd);
      if (end === -1) return { body, length: text.length, isWhole: false };
      return { body: body + text.slice(lineEnd, end), length: end + 4, isWhole: true };
    }
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}

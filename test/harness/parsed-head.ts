// A request head as the router's parser reads it, for tests of what is made of it.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import type { RequestHead } from '../../router/http1/message.ts';
import { RequestParser } from '../../router/http1/request-parser.ts';

/** `text` in latin-1, its empty line included; fails where it is refused. */
export function parseRequestHead(text: string): RequestHead {
  let result: RequestHead | undefined;
  const parser = new RequestParser(
    {
      onHead: (head) => {
        result = head;
      },
      onBody: () => undefined,
      onTrailers: () => undefined,
      onEnd: () => undefined,
      onRefusal: ({ reason }) => {
        assert.fail(`${reason}: ${JSON.stringify(text)}`);
      },
    },
    { maxHeadBytes: 16_384, maxFields: 100 },
  );
  const bytes = Buffer.from(text, 'latin1');
  parser.execute(bytes, 0, bytes.length);
  assert.ok(result !== undefined);
  return result;
}

// Whether a worker may make the `headers` of a request in Node's place: never where the app has them made otherwise.
import assert from 'node:assert/strict';
import { createServer, IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { makesPlainHeaders } from '../../vassal/runtimes/node/handoff/http-internals.ts';

describe('the headers of a request on a handed-over connection are made in place of Node', () => {
  it('where Node makes them as ever', () => {
    assert.equal(makesPlainHeaders(createServer()), true);
  });

  it('but not where the app has a class of its own for requests', () => {
    class OwnRequest extends IncomingMessage {}
    assert.equal(makesPlainHeaders(createServer({ IncomingMessage: OwnRequest })), false);
  });

  it('but not where a package changed how they are made', (t) => {
    const addLine: unknown = Reflect.get(IncomingMessage.prototype, '_addHeaderLine');
    t.after(() => Reflect.set(IncomingMessage.prototype, '_addHeaderLine', addLine));
    // As those that keep the spelling do.
    Reflect.set(IncomingMessage.prototype, '_addHeaderLine', (name: string, value: string, headers: Headers) => {
      headers[name] = value;
    });
    assert.equal(makesPlainHeaders(createServer()), false);
  });
});

type Headers = Record<string, string>;

// A client that keeps its connection: one raw connection, one request after the other.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { RawConnection, type Endpoint } from './http-client.ts';
import { readAnswers, type RawAnswer } from './raw-answers.ts';
import type { Scope } from './scope.ts';

export class KeptClient {
  readonly connection: RawConnection;
  readonly #host: string;
  #answers = 0;

  constructor(t: Scope, endpoint: Endpoint | Socket, host = 'a.test') {
    this.connection = new RawConnection(endpoint);
    this.#host = host;
    t.after(() => {
      this.connection.destroy();
    });
  }

  send(path: string, lines: readonly string[] = [], host = this.#host): void {
    this.connection.write([`GET ${path} HTTP/1.1`, `Host: ${host}`, ...lines, '', ''].join('\r\n'));
  }

  /** The next answer, whole. */
  async answer(): Promise<RawAnswer> {
    const nth = this.#answers++;
    const isThere = (text: string): boolean => readAnswers(text).final[nth]?.isWhole === true;
    const received = await this.connection.until(`answer ${nth}`, isThere);
    const answer = readAnswers(received).final[nth];
    assert.ok(answer !== undefined);
    return answer;
  }

  async ask(path = '/', lines: readonly string[] = [], host = this.#host): Promise<RawAnswer> {
    this.send(path, lines, host);
    return this.answer();
  }

  /** The bodies of so many answers, asked for one after the other. */
  async askFor(count: number, path = '/'): Promise<string[]> {
    const bodies: string[] = [];
    for (let nth = 0; nth < count; nth++) bodies.push((await this.ask(path)).body);
    return bodies;
  }
}

// One app behind the router, asked as a client library asks: by undici, over kept-alive connections, bytes as they are.
// It never follows a redirect and never retries, so a test sees each answer that was given.
import type { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import type { Scope } from './scope.ts';
import { waitFor } from './wait-for.ts';

export interface SiteRequest {
  readonly method?: Dispatcher.HttpMethod;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | Readable;
}

export interface SiteAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
}

export class Site {
  readonly port: number;
  readonly host: string;
  readonly #agent: Agent;

  constructor(t: Scope, port: number, host: string) {
    this.port = port;
    this.host = host;
    this.#agent = new Agent({ headersTimeout: 20_000, bodyTimeout: 20_000 });
    t.after(() => this.#agent.destroy());
  }

  async ask(path: string, options: SiteRequest = {}): Promise<SiteAnswer> {
    const { statusCode, headers, body } = await this.#request(path, options);
    return { status: statusCode, headers, bytes: Buffer.from(await body.arrayBuffer()) };
  }

  /** The body as text, of an answer that must be 200. */
  async text(path: string, options: SiteRequest = {}): Promise<string> {
    const { status, bytes } = await this.ask(path, options);
    if (status !== 200) throw new Error(`${this.host}${path} answered ${status}: ${bytes.toString().slice(0, 500)}`);
    return bytes.toString();
  }

  /** The body as JSON, whatever the status. */
  async json(path: string, options: SiteRequest = {}): Promise<unknown> {
    return JSON.parse((await this.ask(path, options)).bytes.toString());
  }

  /** An answer that is still arriving. */
  async stream(path: string): Promise<StreamedAnswer> {
    const { statusCode, headers, body } = await this.#request(path, {});
    return new StreamedAnswer(statusCode, headers, body);
  }

  async #request(path: string, options: SiteRequest): Promise<Dispatcher.ResponseData> {
    const { method = 'GET', headers = {}, body = null } = options;
    return this.#agent.request({
      origin: `http://127.0.0.1:${this.port}`,
      path,
      method,
      headers: { host: this.host, ...headers },
      body,
    });
  }
}

/** Collects the chunks of an answer as they come. */
export class StreamedAnswer {
  readonly status: number;
  readonly headers: SiteAnswer['headers'];
  readonly chunks: string[] = [];
  /** `open` until the peer ended the answer properly, or cut it. */
  state: 'open' | 'ended' | 'cut' = 'open';

  constructor(status: number, headers: SiteAnswer['headers'], body: Dispatcher.ResponseData['body']) {
    this.status = status;
    this.headers = headers;
    body.setEncoding('utf8').on('data', (chunk: string) => this.chunks.push(chunk));
    body.on('end', () => {
      this.state = 'ended';
    });
    body.on('error', () => {
      this.state = 'cut';
    });
  }

  get text(): string {
    return this.chunks.join('');
  }

  /** Waits until `accepts` holds for what has come so far. */
  async until(what: string, accepts: (answer: StreamedAnswer) => boolean): Promise<void> {
    await waitFor(() => accepts(this), { what: `${what}; got ${this.state} ${JSON.stringify(this.text.slice(-300))}` });
  }
}

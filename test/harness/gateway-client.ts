// A router as a worker sees it that speaks the gateway protocol: raw heads, raw bodies, raw answers.
import { RawConnection, type Endpoint } from './http-client.ts';
import { readAnswers, type RawAnswer } from './raw-answers.ts';

export interface GatewayRequest {
  readonly method?: string;
  /** With its query. */
  readonly path?: string;
  /** Variables beside the usual ones, or in their place; undefined leaves one out. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** Latin-1; its length is told unless `variables` say otherwise. */
  readonly body?: string;
}

/** The head of a request, as a router writes it. */
export function gatewayHead({ method = 'GET', path = '/', variables = {}, body }: GatewayRequest): string {
  const [pathname = '', query = ''] = path.split('?');
  const all: Readonly<Record<string, string | undefined>> = {
    REQUEST_METHOD: method,
    REQUEST_URI: path,
    SCRIPT_NAME: '',
    PATH_INFO: pathname,
    QUERY_STRING: query,
    SERVER_PROTOCOL: 'HTTP/1.1',
    SERVER_NAME: 'test.localhost',
    SERVER_PORT: '80',
    REMOTE_ADDR: '127.0.0.1',
    REMOTE_PORT: '40000',
    REQUEST_SCHEME: 'http',
    HTTP_HOST: 'test.localhost',
    ...(body === undefined ? {} : { CONTENT_LENGTH: String(body.length) }),
    ...variables,
  };
  return netstring(
    Object.entries(all)
      .map(([name, value]) => (value === undefined ? '' : `${name}\0${value}\0`))
      .join(''),
  );
}

export function netstring(text: string): string {
  return `${text.length}:${text},`;
}

/** A body in chunks, ended. */
export function chunked(...parts: readonly string[]): string {
  return [...parts, ''].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');
}

/** For `variables`: the body comes in chunks. */
export const inChunks = { CONTENT_LENGTH: undefined, HTTP_TRANSFER_ENCODING: 'chunked' } as const;

/** A kept connection to a worker. */
export class GatewayConnection extends RawConnection {
  readonly #methods: string[] = [];

  /** Sends a request, and all of its body. */
  send(request: GatewayRequest): void {
    this.#methods.push(request.method ?? 'GET');
    this.write(gatewayHead(request) + (request.body ?? ''));
  }

  /** The answers so far. */
  get answers(): ReturnType<typeof readAnswers> {
    return readAnswers(this.received, this.#methods);
  }

  /** Waits for the answer of the request that was sent last. */
  async answer(): Promise<RawAnswer> {
    const count = this.#methods.length;
    await this.until(`answer ${count}`, () => this.answers.final.at(count - 1)?.isWhole === true);
    const answer = this.answers.final[count - 1];
    if (answer === undefined) throw new Error('the answer was whole and is gone');
    return answer;
  }

  async ask(request: GatewayRequest): Promise<RawAnswer> {
    this.send(request);
    return this.answer();
  }
}

/** One request on a connection of its own. */
export async function askGateway(endpoint: Endpoint, request: GatewayRequest): Promise<RawAnswer> {
  const connection = new GatewayConnection(endpoint);
  try {
    return await connection.ask(request);
  } finally {
    connection.destroy();
  }
}

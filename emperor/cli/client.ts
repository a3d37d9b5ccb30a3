// The command line's connection to the running emperor: HTTP over control.sock.
import type { Client, Dispatcher } from 'undici';
import { EmperorError, errnoOf, errorCodes, messageOf, type ErrorCode } from '../../lib/errors.ts';
import { controlSocket } from '../../lib/run-dir.ts';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export class EmperorClient {
  readonly #runDir: string;
  readonly #client: Client;

  private constructor(runDir: string, client: Client) {
    this.#runDir = runDir;
    this.#client = client;
  }

  static async open(runDir: string): Promise<EmperorClient> {
    // Loaded only here: `emperor run` would pay 10 MB and 200 ms for what it never uses.
    const undici = await import('undici');
    // A deploy, or a stream of lines, takes as long as it takes; the emperor's end ends the connection.
    const options = { socketPath: controlSocket(runDir), headersTimeout: 0, bodyTimeout: 0 };
    return new EmperorClient(runDir, new undici.Client('http://emperor', options));
  }

  /** Throws an EmperorError where no emperor answers, or the answer is an error. */
  async get(path: string): Promise<unknown> {
    return this.#call({ method: 'GET', path });
  }

  async post(path: string, body: object = {}): Promise<unknown> {
    return this.send('POST', path, body);
  }

  async send(method: 'POST' | 'PUT' | 'DELETE', path: string, body: object): Promise<unknown> {
    const headers = { 'content-type': 'application/json' };
    return this.#call({ method, path, body: JSON.stringify(body), headers });
  }

  /** Yields each JSON line of a stream until it ends; a cut connection ends it too. */
  async *lines(path: string): AsyncGenerator {
    const { statusCode, body } = await this.#request({ method: 'GET', path });
    if (statusCode >= 400) throw errorOf(statusCode, await body.text());
    let rest = '';
    try {
      for await (const chunk of body.setEncoding('utf8')) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line !== '') yield JSON.parse(line) as unknown;
      }
    } catch (error) {
      if (!isCut(error)) throw error;
    }
  }

  async close(): Promise<void> {
    await this.#client.destroy();
  }

  async #call(options: Dispatcher.RequestOptions): Promise<unknown> {
    const { statusCode, body } = await this.#request(options);
    const text = await body.text();
    if (statusCode >= 400) throw errorOf(statusCode, text);
    return JSON.parse(text) as unknown;
  }

  async #request(options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
    try {
      return await this.#client.request(options);
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): EmperorError {
    const path = controlSocket(this.#runDir);
    switch (errnoOf(error) ?? '') {
      case 'ENOENT':
      case 'ECONNREFUSED':
        return new EmperorError('EMP_NOT_RUNNING', `no emperor runs in ${this.#runDir}`, {
          hint: 'start one with `emperor run DIR`, or name its run directory with --run-dir or EMPEROR_RUN_DIR',
          cause: error,
        });
      case 'EACCES':
        return new EmperorError('EMP_NOT_RUNNING', `${path} belongs to another user`, {
          hint: 'run this as the user that runs the emperor, or name your own run directory with --run-dir',
          cause: error,
        });
      default: {
        const message = `the emperor in ${this.#runDir} did not answer: ${messageOf(error)}`;
        return new EmperorError('EMP_NOT_RUNNING', message, {
          hint: '`emperor status` tells whether it still runs',
          cause: error,
        });
      }
    }
  }
}

function errorOf(status: number, text: string): EmperorError {
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string; hint: string | null } };
    const code: ErrorCode = errorCodes.find((one) => one === error.code) ?? 'EMP_CHANNEL_PROTOCOL';
    return new EmperorError(code, error.message, error.hint === null ? {} : { hint: error.hint });
  } catch {
    return new EmperorError('EMP_CHANNEL_PROTOCOL', `the emperor answered ${status}: ${text.slice(0, 200)}`);
  }
}

function isCut(error: unknown): boolean {
  const code = errnoOf(error);
  return (
    code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'UND_ERR_ABORTED' || code === 'UND_ERR_DESTROYED'
  );
}

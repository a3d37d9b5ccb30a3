// Single attempts to find out whether a worker, or a backend, takes requests. Each answers and never throws;
// repeating them, and what their answers mean, is the caller's (readiness.ts, runtimes/upstream/).
import { connect } from 'node:net';
import { parseAddress } from '../lib/address.ts';
import { errnoOf, messageOf } from '../lib/errors.ts';
import { formatDuration } from '../lib/units.ts';

export type ProbeResult =
  | { readonly isUp: true }
  | {
      readonly isUp: false;
      readonly why: string;
      /** False where there was not even a connection. */
      readonly hasConnected: boolean;
    };

/** A probe that the kernel queued but nobody answers is given up, so that it does not hold its place for ever. */
export const silenceMs = 5000;
const up: ProbeResult = { isUp: true };

/** The Host of probes: the first of the app's domains that is a name, as apps may refuse names that are not theirs. */
export function probeHost(domains: readonly string[]): string {
  return domains.find((domain) => /^[^*/]+$/.test(domain)) ?? 'localhost';
}

export interface HealthCheck {
  readonly path: string;
  /** For one attempt, from connecting to the status line. */
  readonly timeoutMs: number;
  /** The Host of the request. */
  readonly host: string;
}

/** GET `path`: 2xx and 3xx are up. Redirects are an answer and not followed. */
export async function probeHealth(address: string, check: HealthCheck, signal: AbortSignal): Promise<ProbeResult> {
  const target = targetOf(address);
  if (typeof target === 'string') return unreachable(target);
  // Loaded here only: plain starts have no use for it.
  const { request } = await import('node:http');
  const place = 'path' in target ? { socketPath: target.path } : target;
  return new Promise((resolve) => {
    const headers = { host: check.host, 'user-agent': 'emperor-health-check', connection: 'close' };
    const question = request({ ...place, path: check.path, headers, agent: false });
    const attempt = new Attempt(question, { signal, limitMs: check.timeoutMs, onResult: resolve });
    question.once('socket', (socket) => {
      socket.once('connect', () => {
        attempt.hasConnected = true;
      });
    });
    question.once('response', ({ statusCode = 0 }) => {
      // The status is the answer; the body is not waited for.
      if (statusCode >= 200 && statusCode < 400) attempt.end(up);
      else attempt.fail(`it answered ${statusCode}`);
    });
    question.on('error', (error) => {
      attempt.fail(reasonOf(error));
    });
    question.end();
  });
}

/** A connect, for a place that only the server itself can have opened. */
export async function probeConnect(address: string, signal: AbortSignal): Promise<ProbeResult> {
  return probeExchange(address, { request: '', limitMs: silenceMs, judge: () => true }, signal);
}

/**
 * A connect to a socket that the primary listens on proves nothing, so the worker must answer: any HTTP response to
 * `OPTIONS *`, which asks about the server and touches no resource (RFC 9110 section 9.3.7).
 */
export async function probeOptions(address: string, host: string, signal: AbortSignal): Promise<ProbeResult> {
  const request = `OPTIONS * HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  const judge = (answer: string): Verdict => {
    if (answer.startsWith('HTTP/')) return true;
    return 'HTTP/'.startsWith(answer) ? undefined : 'what it answered is not HTTP';
  };
  return probeExchange(address, { request, limitMs: silenceMs, judge }, signal);
}

/** True: up. Words: why it is not. Undefined: more of the answer has to come first. */
export type Verdict = true | string | undefined;

export interface ProbeQuestion {
  /** Empty: the connection alone is the answer. */
  readonly request: string | Uint8Array;
  /** For the whole attempt. */
  readonly limitMs: number;
  /** Of all that came back, in latin-1. */
  readonly judge: (answer: string) => Verdict;
}

type Target = { readonly path: string } | { readonly host: string; readonly port: number };

/** Connects, sends the request, and reads until there is a verdict. */
export async function probeExchange(
  address: string,
  { request, limitMs, judge }: ProbeQuestion,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const target = targetOf(address);
  if (typeof target === 'string') return unreachable(target);
  return new Promise((resolve) => {
    const socket = connect(target);
    const attempt = new Attempt(socket, { signal, limitMs, onResult: resolve });
    let answer = '';
    socket.setEncoding('latin1').once('connect', () => {
      attempt.hasConnected = true;
      if (request.length === 0) attempt.end(up);
      else socket.write(request);
    });
    socket.on('data', (text: string) => {
      answer += text;
      const verdict = judge(answer);
      if (verdict === true) attempt.end(up);
      else if (verdict !== undefined) attempt.fail(verdict);
    });
    socket.on('error', (error) => {
      attempt.fail(reasonOf(error));
    });
    socket.on('close', () => {
      attempt.fail('it closed the connection');
    });
  });
}

interface AttemptOptions {
  readonly signal: AbortSignal;
  readonly limitMs: number;
  onResult(result: ProbeResult): void;
}

/**
 * One attempt: it ends by its outcome, its time or the caller, whichever is first, and leaves nothing behind on the
 * caller's signal, which outlives thousands of attempts.
 */
class Attempt {
  hasConnected = false;
  readonly #options: AttemptOptions;
  readonly #connection: { destroy(): unknown };
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = (): void => {
    this.fail('it was given up');
  };

  constructor(connection: { destroy(): unknown }, options: AttemptOptions) {
    this.#options = options;
    this.#connection = connection;
    this.#timer = setTimeout(() => {
      this.fail(`no answer within ${formatDuration(options.limitMs)}`);
    }, options.limitMs);
    options.signal.addEventListener('abort', this.#onAbort);
    if (options.signal.aborted) this.#onAbort();
  }

  fail(why: string): void {
    this.end({ isUp: false, why, hasConnected: this.hasConnected });
  }

  /** What comes after the first end is told to a promise that is settled. */
  end(result: ProbeResult): void {
    clearTimeout(this.#timer);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#connection.destroy();
    this.#options.onResult(result);
  }
}

function targetOf(address: string): Target | string {
  const target = parseAddress(address);
  if (typeof target === 'string') return target;
  return target.kind === 'unix' ? { path: target.path } : { host: target.host, port: target.port };
}

function unreachable(why: string): ProbeResult {
  return { isUp: false, why, hasConnected: false };
}

/** What people read in `status`; the address stands beside it. */
function reasonOf(error: Error): string {
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'the connection was refused',
    ECONNRESET: 'it cut the connection',
    ENOENT: 'there is no such socket',
    ENOTFOUND: 'its host name is not known',
    EACCES: 'it may not be connected to (permission denied)',
  };
  return words[errnoOf(error) ?? ''] ?? messageOf(error);
}

// Single attempts to find out whether a worker takes requests. Each answers and never throws; repeating them, and
// what their answers mean, is readiness.ts.
import { connect, type NetConnectOpts } from 'node:net';
import { parseAddress } from '../lib/address.ts';
import { messageOf } from '../lib/errors.ts';

export type ProbeResult = { readonly isUp: true } | { readonly isUp: false; readonly why: string };

/** A probe that the kernel queued but nobody answers is given up, so that it does not hold its place for ever. */
const silenceMs = 5000;
const up: ProbeResult = { isUp: true };

export interface HealthCheck {
  readonly path: string;
  /** For one attempt, from connecting to the status line. */
  readonly timeoutMs: number;
  /** The Host of the request: apps may refuse names that are not theirs. */
  readonly host: string;
}

/** GET `path`: 2xx and 3xx are up. Redirects are an answer and not followed. */
export async function probeHealth(address: string, check: HealthCheck, signal: AbortSignal): Promise<ProbeResult> {
  const target = parseAddress(address);
  if (typeof target === 'string') return { isUp: false, why: target };
  const isUnix = target.kind === 'unix';
  const origin = isUnix ? 'http://localhost' : `http://${target.host}:${target.port}`;
  // Loaded here only: it would make every start without a health check 70 ms longer.
  const { Client } = await import('undici');
  const client = new Client(origin, { ...(isUnix ? { socketPath: target.path } : {}), pipelining: 0 });
  const timeout = AbortSignal.timeout(check.timeoutMs);
  try {
    const response = await client.request({
      method: 'GET',
      path: check.path,
      headers: { host: check.host, 'user-agent': 'emperor-health-check' },
      signal: AbortSignal.any([signal, timeout]),
    });
    // The status is the answer; the body is not waited for, and destroying the client cuts it.
    response.body.on('error', () => undefined);
    const { statusCode } = response;
    return statusCode >= 200 && statusCode < 400 ? up : { isUp: false, why: `it answered ${statusCode}` };
  } catch (error) {
    return { isUp: false, why: timeout.aborted ? `no answer within ${check.timeoutMs} ms` : messageOf(error) };
  } finally {
    await client.destroy();
  }
}

/** A connect to a port that the worker itself opens proves that it listens. */
export async function probePort(port: number, signal: AbortSignal): Promise<ProbeResult> {
  return exchange({ host: '127.0.0.1', port }, '', signal);
}

/**
 * A connect to a socket that the primary listens on proves nothing, so the worker must answer: any HTTP response to
 * `OPTIONS *`, which asks about the server and touches no resource (RFC 9110 section 9.3.7).
 */
export async function probeOptions(path: string, host: string, signal: AbortSignal): Promise<ProbeResult> {
  return exchange({ path }, `OPTIONS * HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, signal);
}

/** Connects and sends `request`; up once bytes of HTTP come back, or at once where there is nothing to send. */
async function exchange(target: NetConnectOpts, request: string, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ ...target, signal });
    const end = (result: ProbeResult): void => {
      socket.destroy();
      resolve(result);
    };
    let answer = '';
    socket.setEncoding('latin1').setTimeout(silenceMs, () => {
      end({ isUp: false, why: 'no answer' });
    });
    socket.once('connect', () => {
      if (request === '') end(up);
      else socket.write(request);
    });
    socket.on('data', (text: string) => {
      answer += text;
      if (answer.startsWith('HTTP/')) end(up);
      else if (!'HTTP/'.startsWith(answer)) end({ isUp: false, why: 'what it answered is not HTTP' });
    });
    socket.on('error', (error) => {
      end({ isUp: false, why: error.message });
    });
    socket.on('close', () => {
      end({ isUp: false, why: 'it closed the connection' });
    });
  });
}

// Probes of workers that speak the gateway protocol (docs/gateway-protocol.md). They ask as a plain SCGI client does, so
// that the worker closes when it has answered; of the answer only the status line is read.
import { Buffer } from 'node:buffer';
import { probeExchange, silenceMs, type HealthCheck, type ProbeResult, type Verdict } from './probes.ts';

/** As probeHealth: GET `path`, where 2xx and 3xx are up. */
export async function probeGatewayHealth(
  address: string,
  { path, timeoutMs, host }: HealthCheck,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const request = scgiRequest('GET', path, host);
  return probeExchange(address, { request, limitMs: timeoutMs, judge: judgeHealth }, signal);
}

/** As probeOptions: any answer at all. */
export async function probeGateway(address: string, host: string, signal: AbortSignal): Promise<ProbeResult> {
  const request = scgiRequest('OPTIONS', '*', host);
  const judge = (answer: string): Verdict => {
    const status = finalStatus(answer);
    return typeof status === 'number' ? true : status;
  };
  return probeExchange(address, { request, limitMs: silenceMs, judge }, signal);
}

/** A whole request without a body. `target`: a path, with or without a query, or `*`. */
export function scgiRequest(method: string, target: string, host: string): Buffer {
  const [path = '', ...query] = target.split('?');
  const variables = {
    // First, as SCGI wants it.
    CONTENT_LENGTH: '0',
    SCGI: '1',
    REQUEST_METHOD: method,
    REQUEST_URI: target,
    SCRIPT_NAME: '',
    PATH_INFO: decodePath(path),
    QUERY_STRING: query.join('?'),
    SERVER_PROTOCOL: 'HTTP/1.1',
    SERVER_NAME: host,
    SERVER_PORT: '80',
    REMOTE_ADDR: '127.0.0.1',
    REQUEST_SCHEME: 'http',
    HTTP_HOST: host,
    HTTP_USER_AGENT: 'emperor-health-check',
  };
  const content = Object.entries(variables)
    .map(([name, value]) => `${name}\0${value}\0`)
    .join('');
  return Buffer.from(`${content.length}:${content},`, 'latin1');
}

function decodePath(path: string): string {
  return path.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function judgeHealth(answer: string): Verdict {
  const status = finalStatus(answer);
  if (typeof status !== 'number') return status;
  return status >= 200 && status < 400 ? true : `it answered ${status}`;
}

/** Of the first answer that is not interim; undefined while it is not there; words where there will be none. */
function finalStatus(answer: string): number | string | undefined {
  const [line] = answer.split('\r\n', 1);
  if (line === undefined || line.length === answer.length) {
    return isBeginning(answer) ? undefined : notHttp;
  }
  const status = Number(/^HTTP\/1\.[01] ([1-9]\d\d)(?: |$)/.exec(line)?.[1] ?? 0);
  if (status === 0) return notHttp;
  if (status >= 200) return status;
  const end = answer.indexOf('\r\n\r\n');
  return end === -1 ? undefined : finalStatus(answer.slice(end + 4));
}

const notHttp = 'what it answered is not HTTP';
const longestStatusLine = 1000;

function isBeginning(answer: string): boolean {
  const start = 'HTTP/1.';
  return answer.length < longestStatusLine && (answer.startsWith(start) || start.startsWith(answer));
}

// The pages that the router answers a client with itself.
import { fieldIds } from '../http1/field-names.ts';
import type { Refusal } from '../http1/message.ts';
import { judgeFailure, type FailureCause } from '../core/triage.ts';
import { renderErrorPage } from '../../lib/error-page.ts';
import type { ByteStream } from '../transports/transport.ts';
import type { Edge } from './edge.ts';
import type { OwnPage } from './exchange-client.ts';
import { recordExchange } from './exchange-record.ts';

export interface OwnPageRules {
  readonly accept: string | undefined;
  readonly isHead: boolean;
  readonly connection: 'close' | 'keep-alive' | undefined;
}

/** Writes the page and returns the bytes of its body. */
export function writeOwnPage(
  edge: Pick<Edge, 'dates'>,
  stream: Pick<ByteStream, 'write'>,
  { cause, status, message, requestId, generation }: Omit<OwnPage, 'closes' | 'head'>,
  rules: OwnPageRules,
): number {
  const page = { status, code: cause, message, requestId, generation, retryAfter: judgeFailure(cause).retryAfter };
  const { bytes, bodyBytes } = renderErrorPage(page, { ...rules, date: edge.dates.now() });
  stream.write(bytes, 0, bytes.length);
  return bodyBytes;
}

/** Answers a request with the page and returns the bytes of its body. */
export function answerWithPage(edge: Edge, stream: ByteStream, page: OwnPage): number {
  const { head, closes } = page;
  return writeOwnPage(edge, stream, page, {
    accept: head.fields.first(fieldIds.accept),
    isHead: head.method === 'HEAD',
    connection: closes ? 'close' : head.minorVersion === 0 ? 'keep-alive' : undefined,
  });
}

/** What is no request, or none that came in time. */
export interface Refused {
  readonly cause: FailureCause;
  /** Undefined: what the cause says. */
  readonly refusal: Refusal | undefined;
  readonly startedMs: number;
}

/** Answers it, and writes it down. The connection must end after it. */
export function refuse(edge: Edge, stream: ByteStream, { cause, refusal, startedMs }: Refused): void {
  const requestId = edge.requestIds.next().text;
  const verdict = judgeFailure(cause);
  const { status, reason } = refusal ?? { status: verdict.status, reason: verdict.message };
  const page = { cause, status, message: reason, requestId, generation: undefined };
  const bytesOut = writeOwnPage(edge, stream, page, { accept: undefined, isHead: false, connection: 'close' });
  edge.requests++;
  recordExchange(edge, {
    ...{ app: undefined, worker: undefined, method: '', host: '', path: '', status, bytesIn: 0, bytesOut },
    ...{ durationMs: edge.transport.nowMs() - startedMs, queueMs: 0, client: stream.remoteAddress, requestId },
    ...{ cause, endedBy: undefined, detail: reason },
  });
}

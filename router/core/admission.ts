// What becomes of a request when its head was read and its app looked up. Pure.
import type { Refusal, RequestHead } from '../http1/message.ts';
import type { Pool } from './pool.ts';
import type { FailureCause } from './triage.ts';

/** It is not served. */
export interface Rejection {
  readonly cause: FailureCause;
  /** What its client is told; undefined: what the cause says. */
  readonly page: Refusal | undefined;
  /** For the log. */
  readonly detail: string;
}

/**
 * `serve`: it is to have a worker now. `invite`: its client waits to be told to send the body. `hold`: a worker need not
 * wait until it is known whether the body is well-formed.
 */
export type Admission = 'serve' | 'invite' | 'hold' | Rejection;

export type Admitted = Pick<RequestHead, 'host' | 'authority' | 'framing' | 'expectsContinue'>;

/** Of an app. */
export interface Admitter extends Pick<Pool, 'isDown' | 'isTooLarge' | 'isGateway'> {
  readonly route: { readonly reason: string };
}

/** `app`: that the request is for; undefined = there is none. */
export function judgeAdmission(request: Admitted, app: Admitter | undefined): Admission {
  if (app === undefined) return rejectUnknown(request);
  const { framing, expectsContinue } = request;
  if (framing.kind === 'length' && app.isTooLarge(framing.length)) return tooLarge;
  if (expectsContinue) {
    // Whoever cannot be served need not send the body first.
    if (app.isDown) return { cause: 'app-down', page: undefined, detail: app.route.reason };
    // A gateway worker says itself when it wants the body.
    return app.isGateway ? 'serve' : 'invite';
  }
  return framing.kind === 'chunked' ? 'hold' : 'serve';
}

const tooLarge: Rejection = { cause: 'body-too-large', page: undefined, detail: '' };

function rejectUnknown({ host, authority }: Admitted): Rejection {
  return authority === ''
    ? reject('client-malformed', { status: 400, reason: 'The request names no host.' })
    : reject('unknown-host', { status: 404, reason: `No app is served as ${host} under this path.` });
}

function reject(cause: FailureCause, page: Refusal): Rejection {
  return { cause, page, detail: page.reason };
}

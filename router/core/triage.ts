// What a failed exchange comes to: the status that the client is answered (or that the log shows), who is to blame
// and how loud the log is. One table, so that every failure has one meaning. Pure.

/** Everything that can end an exchange other than its answer. */
export type FailureCause =
  | 'client-gone'
  | 'client-malformed'
  | 'client-slow-head'
  | 'client-slow-body'
  | 'client-not-reading'
  | 'body-too-large'
  | 'path-with-nul'
  | 'unknown-host'
  | 'app-down'
  | 'app-removed'
  | 'queue-full'
  | 'queue-timeout'
  | 'worker-unreachable'
  | 'worker-closed'
  | 'worker-garbage'
  | 'worker-silent'
  | 'too-many-connections'
  | 'shutdown';

export type Blame = 'client' | 'worker' | 'router';

export interface Verdict {
  /** For the client while no byte of an answer was sent; for the log in any case. */
  readonly status: number;
  readonly blame: Blame;
  readonly level: 'debug' | 'info' | 'warn';
  /** Seconds for Retry-After; 0: the field is not sent. */
  readonly retryAfter: number;
  /** One sentence for the error page. */
  readonly message: string;
}

const verdicts: Readonly<Record<FailureCause, Verdict>> = {
  'client-gone': client(499, 'The client closed the connection.'),
  'client-malformed': client(400, 'The request is malformed.'),
  'client-slow-head': client(408, 'The request head took too long to arrive.'),
  'client-slow-body': client(408, 'The request body took too long to arrive.'),
  'client-not-reading': client(499, 'The client stopped reading the answer.'),
  'body-too-large': client(413, 'The request body is larger than this app accepts.'),
  'path-with-nul': client(400, 'The path holds an encoded NUL (%00), of which this app cannot be told.'),
  'unknown-host': client(404, 'No app is served under this host and path.'),
  'app-down': router(503, 'info', 'The app is not running.'),
  'app-removed': router(503, 'info', 'The app was removed while the request waited.'),
  'queue-full': router(503, 'warn', 'Too many requests wait for this app.'),
  'queue-timeout': router(503, 'warn', 'No worker of this app became free in time.'),
  'worker-unreachable': worker(502, 'No worker of this app could be reached.'),
  'worker-closed': worker(502, 'The worker closed the connection before it answered.'),
  'worker-garbage': worker(502, 'The worker answered with something that is not HTTP.'),
  'worker-silent': worker(504, 'The worker did not answer in time.'),
  'too-many-connections': router(503, 'warn', 'The server has too many connections.'),
  shutdown: router(503, 'info', 'The router is shutting down.'),
};

export function judgeFailure(cause: FailureCause): Verdict {
  return verdicts[cause];
}

function client(status: number, message: string): Verdict {
  return { status, blame: 'client', level: 'debug', retryAfter: 0, message };
}

function router(status: number, level: Verdict['level'], message: string): Verdict {
  return { status, blame: 'router', level, retryAfter: 1, message };
}

function worker(status: number, message: string): Verdict {
  return { status, blame: 'worker', level: 'warn', retryAfter: 0, message };
}

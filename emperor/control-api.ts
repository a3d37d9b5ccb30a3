// What can be asked of the emperor over HTTP on control.sock. It only translates: every answer is the commands' or
// the status'.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Clock } from '../lib/clock.ts';
import { readBody, reply, replyError, startLines, type LineStream } from './api-reply.ts';
import { readAddress, readProcesses, readRegistration, readWait, type Body } from './api-values.ts';
import type { Commands, Refusal } from './commands.ts';
import type { EventHub } from './events.ts';
import type { GenerationDirs } from './generation-dirs.ts';
import { LogFollower, lastLines } from './log-follow.ts';
import type { Status } from './status.ts';
import type { AcceptedUpgrade, RefusedUpgrade } from './succession.ts';
import type { UpstreamCommands } from './upstream-commands.ts';

export interface ControlApi {
  readonly clock: Clock;
  readonly hub: EventHub;
  readonly dirs: GenerationDirs;
  readonly commands: Commands;
  readonly upstreams: UpstreamCommands;
  readonly status: () => Status;
  /** Tries the code on disk; what it accepts may take the emperor's place. */
  readonly upgrade: () => Promise<AcceptedUpgrade | RefusedUpgrade>;
  /** Begins the end; calling it again does nothing. */
  readonly shutDown: () => void;
}

interface Call {
  readonly api: ControlApi;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** The app that the path names; empty where it names none. */
  readonly app: string;
}

type Handler = (call: Call) => void | Promise<void>;

const handlers: Readonly<Record<string, Handler>> = {
  'GET /status': ({ api, response }) => {
    reply(response, 200, api.status());
  },
  'GET /events': streamEvents,
  'GET /logs': streamLogs,
  'POST /upgrade': upgrade,
  'POST /shutdown': ({ api, response }) => {
    reply(response, 202, { result: 'stopping', pid: process.pid });
    api.shutDown();
  },
  'POST /apps/*/reload': verb(({ api, app }, wait) => api.commands.reload(app, wait)),
  'POST /apps/*/start': verb(({ api, app }, wait) => api.commands.start(app, wait)),
  'POST /apps/*/stop': verb(({ api, app }, wait) => api.commands.stop(app, wait)),
  'POST /apps/*/pause': verb(({ api, app }, wait) => api.commands.pause(app, wait)),
  'POST /apps/*/resume': verb(({ api, app }, wait) => api.commands.resume(app, wait)),
  'POST /apps/*/rollback': verb(({ api, app }, wait) => api.commands.rollback(app, wait)),
  'POST /apps/*/scale': verb(({ api, app }, wait, body) => {
    const processes = readProcesses(body);
    return typeof processes === 'number'
      ? api.commands.scale(app, processes, wait)
      : invalid(processes, body['processes'] === 0 ? `\`emperor stop ${app}\` ends all its workers` : undefined);
  }),
  'PUT /apps/*/upstreams': order(({ api, app }, body) => {
    const registration = readRegistration(body);
    return typeof registration === 'string' ? invalid(registration) : api.upstreams.register(app, registration);
  }),
  'DELETE /apps/*/upstreams': order(({ api, app }, body) => {
    const read = readAddress(body);
    return typeof read === 'string' ? invalid(read) : api.upstreams.withdraw(app, read.address);
  }),
  'GET /apps/*/upstreams': order(({ api, app }) => api.upstreams.list(app)),
};

/** Answers one request. */
export function answerControl(api: ControlApi): RequestListener {
  return (request, response) => {
    // A client that goes away while we wait for its deploy is no fault of ours.
    response.on('error', () => undefined);
    const url = new URL(request.url ?? '/', 'http://emperor');
    const [, app = ''] = /^\/apps\/([^/]+)\//.exec(url.pathname) ?? [];
    const path = url.pathname.replace(/^\/apps\/[^/]+\//, '/apps/*/');
    const handler = handlers[`${request.method ?? 'GET'} ${path}`];
    if (handler === undefined) {
      const known = Object.keys(handlers).join(', ');
      replyError(response, 404, {
        code: 'not-found',
        message: `${request.method ?? ''} ${url.pathname}: unknown`,
        hint: known,
      });
      return;
    }
    const name = decode(app);
    if (name === undefined) {
      replyError(response, 400, { code: 'bad-request', message: `"${app}" is no app's name` });
      return;
    }
    // A handler that rejects is a bug, and ends the process by unhandledRejection.
    void handler({ api, request, response, query: url.searchParams, app: name });
  };
}

/** Answers with what is done with the request's body: one JSON object, or a refusal. */
function order(run: (call: Call, body: Body) => Promise<object | Refusal> | Refusal): Handler {
  return async (call) => {
    const body = await readBody(call.request);
    if (body === undefined) {
      replyError(call.response, 400, { code: 'bad-request', message: 'the body is not one JSON object' });
      return;
    }
    const outcome = await run(call, body);
    if (isRefusal(outcome)) replyError(call.response, outcome.status, outcome.error);
    else reply(call.response, 200, outcome);
  };
}

/** One of the orders that can be waited for. */
function verb(run: (call: Call, wait: boolean, body: Body) => Promise<object | Refusal> | Refusal): Handler {
  return order((call, body) => {
    const wait = readWait(body);
    return typeof wait === 'boolean' ? run(call, wait, body) : invalid(wait);
  });
}

function invalid(message: string, hint?: string): Refusal {
  return { status: 400, error: { code: 'EMP_VALUE_INVALID', message, ...(hint === undefined ? {} : { hint }) } };
}

function isRefusal(outcome: object): outcome is Refusal {
  return 'error' in outcome;
}

async function upgrade({ api, response }: Call): Promise<void> {
  const outcome = await api.upgrade();
  if ('refused' in outcome) {
    replyError(response, 409, { code: 'EMP_UPGRADE_REFUSED', message: outcome.refused, hint: outcome.hint });
    return;
  }
  const { id, from, to } = outcome;
  response.once('close', () => {
    // It does not reject. Whoever asked has the answer, and what comes next is the new program's to tell.
    void outcome.execute();
  });
  reply(response, 202, { id, from, to, pid: process.pid });
}

function streamEvents({ api, response }: Call): void {
  let unsubscribe = (): void => undefined;
  const lines = startLines(response, () => {
    unsubscribe();
  });
  unsubscribe = api.hub.subscribe((event) => {
    lines.send(event);
  });
}

function streamLogs({ api, response, query }: Call): void {
  const app = query.get('app') ?? undefined;
  const count = Math.min(10_000, Math.max(0, Number.parseInt(query.get('lines') ?? '100', 10) || 0));
  if (app !== undefined && !api.commands.isKnown(app)) {
    replyError(response, 404, api.commands.unknown(app));
    return;
  }
  const followers: LogFollower[] = [];
  const stream: LineStream = startLines(response, () => {
    for (const follower of followers) follower.stop();
  });
  for (const line of lastLines(api.dirs, app, count)) stream.send(line);
  if (query.get('follow') !== '1') {
    stream.end();
    return;
  }
  const follower = new LogFollower({
    dirs: api.dirs,
    app,
    clock: api.clock,
    onLines: (lines) => {
      for (const line of lines) stream.send(line);
    },
  });
  followers.push(follower);
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

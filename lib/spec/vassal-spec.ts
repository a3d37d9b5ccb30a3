// The config of one app, as one table: it yields the type of a spec, the validator, the JSON Schema, the flags'
// help and the reference page. Keys bear uWSGI's names wherever uWSGI has the thing. A key stands here only if
// something obeys it.
import { z } from 'zod';
import {
  anyText,
  describeInput,
  duration,
  environment,
  keyed,
  meta,
  oneOf,
  pythonModule,
  pythonName,
  requestPath,
  share,
  size,
  text,
  texts,
  upstreamAddress,
  wholeNumber,
} from './fields.ts';

const healthError = (issue: { input?: unknown }): string =>
  `expected a path such as /up, or a map with path, timeout and interval, got ${describeInput(issue.input)}`;

const healthCheck = z
  .union(
    [
      requestPath.transform((path) => ({ path, timeout: undefined, interval: undefined })),
      keyed({
        path: requestPath,
        timeout: duration.optional(),
        interval: duration.refine((ms) => ms >= 100, 'expected at least 100ms').optional(),
      }),
    ],
    { error: healthError },
  )
  .transform(({ path, timeout, interval }) => ({ path, timeout: timeout ?? 5000, interval: interval ?? 10_000 }))
  .meta({ words: 'path, or map of path, timeout and interval' });

const rolloutError = (issue: { input?: unknown }): string =>
  `expected all, chain, canary or a map such as {canary: [5%, 25%, 100%], pause: 1m}, got ${describeInput(issue.input)}`;
const strategies = ['all', 'chain', 'canary'] as const;
const steps = z.array(share, {
  error: (issue) => `expected steps such as [5%, 25%, 100%], got ${describeInput(issue.input)}`,
});

const rollout = z
  .union(
    [
      keyed({ canary: steps.min(1, 'expected at least one step'), pause: duration.optional() }),
      z.enum(strategies, { error: rolloutError }),
    ],
    { error: rolloutError },
  )
  .transform((value, context) => {
    if (value === 'all' || value === 'chain') return { strategy: value, steps: [], pauseMs: 0 };
    const canary = value === 'canary' ? [0.05, 0.25, 1] : value.canary;
    const pauseMs = (value === 'canary' ? undefined : value.pause) ?? 30_000;
    const index = canary.findIndex((step, at) => at > 0 && step <= (canary[at - 1] ?? 0));
    if (index === -1) return { strategy: 'canary' as const, steps: canary, pauseMs };
    const message = 'expected a larger share than in the step before it, such as [5%, 25%, 100%]';
    context.addIssue({ code: 'custom', message, path: ['canary', index] });
    return z.NEVER;
  })
  .meta({ words: 'all, chain or canary, or map of canary (steps) and pause' });

const upstreamError = (issue: { input?: unknown }): string =>
  `expected unix:/path, http://host:port, a map of address and weight, or a list of these, got ${describeInput(issue.input)}`;
const upstreamText = upstreamAddress.transform((address) => ({ address, weight: 1 }));
const upstreamMap = keyed({ address: upstreamAddress, weight: wholeNumber(1, 1000).default(1) });

const upstream = z
  .union([upstreamText, upstreamMap, z.array(z.union([upstreamText, upstreamMap], { error: upstreamError }))], {
    error: upstreamError,
  })
  .transform((value) => (Array.isArray(value) ? value : [value]))
  .meta({ words: 'address, map of address and weight, or list of these' });

const signals = ['TERM', 'INT', 'QUIT', 'HUP', 'USR1', 'USR2', 'KILL'] as const;

/** Keys whose value may also come from `defaults:` in emperor.yaml: all but those that name the app itself. */
const sharedFields = {
  processes: wholeNumber(1, 512)
    .default(1)
    .meta(meta({ group: 'how', default: 1, description: 'How many workers serve the app at the same time.' })),
  env: environment.default({}).meta(
    meta({
      group: 'how',
      example: '{NODE_ENV: production}',
      description: 'Variables set for every worker; they win over `env-file`.',
    }),
  ),
  'env-file': texts.default([]).meta(
    meta({
      group: 'how',
      example: '.env',
      description: 'Files of NAME=value lines, read at each deploy; a later file wins. Relative to `chdir`.',
    }),
  ),
  node: text.optional().meta(
    meta({
      group: 'how',
      example: '/opt/node24/bin/node',
      description: 'The Node binary that runs the workers. Default: the one that runs the emperor.',
    }),
  ),
  'node-args': texts.default([]).meta(
    meta({
      group: 'how',
      example: '[--max-old-space-size=512]',
      description: 'Arguments for Node itself, before the app.',
    }),
  ),
  python: text.optional().meta(
    meta({
      group: 'how',
      example: '/opt/python3.12/bin/python3',
      description:
        'The Python that runs the workers of a Python app, 3.9 or newer. Default: that of `virtualenv`, else `python3`.',
    }),
  ),
  threads: wholeNumber(1, 512)
    .default(1)
    .meta(
      meta({
        group: 'how',
        default: 1,
        description:
          'How many requests each worker of a Python app runs at a time, each in a thread of its own; further ones wait.',
      }),
    ),
  handoff: oneOf(['auto', 'off'])
    .default('auto')
    .meta(
      meta({
        group: 'how',
        default: 'auto',
        description:
          'Whether a worker of a Node `app` is given client connections that stay open, to serve them without the router in between. `auto`: where the system allows it and no `max-concurrency` is set. `off`: never.',
      }),
    ),
  'ready-timeout': duration.default(30_000).meta(
    meta({
      group: 'ready and healthy',
      default: '30s',
      description:
        'How long a new generation may take until all its workers are ready; after that the deploy has failed.',
    }),
  ),
  'health-check': healthCheck.optional().meta(
    meta({
      group: 'ready and healthy',
      example: '/up',
      description:
        'A path that must answer 2xx or 3xx before a worker counts as ready; or a map of `path`, `timeout` (5s, per attempt) and, of an `upstream` only, `interval` (10s: how often it is asked again).',
    }),
  ),
  'drain-timeout': duration.default(30_000).meta(
    meta({
      group: 'deploy',
      default: '30s',
      description: 'How long requests in flight on an old generation may go on after the new one took over.',
    }),
  ),
  'stop-timeout': duration.default(10_000).meta(
    meta({
      group: 'deploy',
      default: '10s',
      description: 'How long a worker may take to end after `stop-signal`; then it is killed.',
    }),
  ),
  'stop-signal': oneOf(signals)
    .default('TERM')
    .meta(meta({ group: 'deploy', default: 'TERM', description: 'The signal that asks a worker to end.' })),
  settle: duration.default(10_000).meta(
    meta({
      group: 'deploy',
      default: '10s',
      description:
        'How long a new generation is on probation after it took over: if its primary dies or its workers crash twice, the one before, kept ready so long, serves again. 0: no probation.',
    }),
  ),
  rollout: rollout.default({ strategy: 'all', steps: [], pauseMs: 0 }).meta(
    meta({
      group: 'deploy',
      default: 'all',
      example: '{canary: [5%, 25%, 100%], pause: 1m}',
      description:
        'How a new generation replaces the old one. `all`: a full second instance, then all traffic at once. `chain`: one worker at a time, for boxes short of memory. `canary`: growing shares of the clients with a pause after each (30s); more errors or slower answers than the old one turn it back. After the last step it has all of them.',
    }),
  ),
  'limit-post': size.default(0).meta(
    meta({
      group: 'limits',
      default: 0,
      description: 'Largest request body; a larger one is answered 413. 0: no limit.',
    }),
  ),
  'max-concurrency': wholeNumber(0, 1_000_000)
    .default(0)
    .meta(
      meta({
        group: 'limits',
        default: 0,
        description: 'Requests that one worker is given at a time; further ones wait in the queue. 0: no limit.',
      }),
    ),
  queue: wholeNumber(0, 1_000_000)
    .default(128)
    .meta(
      meta({
        group: 'limits',
        default: 128,
        description:
          'Requests that may wait for a worker (in each router process); further ones are answered 503. 0: none waits.',
      }),
    ),
  'queue-timeout': duration.default(30_000).meta(
    meta({
      group: 'limits',
      default: '30s',
      description: 'How long a request may wait for a worker before it is answered 503.',
    }),
  ),
};

type Bare<Field extends z.ZodType> = Field extends z.ZodDefault<infer Inner extends z.ZodType> ? Inner : Field;
type Defaultable<Fields extends Readonly<Record<string, z.ZodType>>> = {
  [Key in keyof Fields]: z.ZodOptional<Bare<Fields[Key]>>;
};

/**
 * The shared fields without their defaults: what `defaults:` in emperor.yaml may set. Zod fills a default in even
 * below an optional, and then nobody could tell what the user has set.
 */
export function defaultableFields(): Defaultable<typeof sharedFields> {
  const bare = Object.entries(sharedFields).map(([key, field]: [string, z.ZodType]) => {
    const inner = field instanceof z.ZodDefault ? (field.unwrap() as z.ZodType) : field;
    return [key, inner.optional()] as const;
  });
  return Object.fromEntries(bare) as Defaultable<typeof sharedFields>;
}

const ownFields = {
  app: text.optional().meta(
    meta({
      group: 'which app',
      example: './server.js',
      description: 'A Node script: it exports a handler, or calls listen(). Relative to `chdir`.',
    }),
  ),
  module: pythonModule.optional().meta(
    meta({
      group: 'which app',
      example: 'shop.wsgi',
      description: 'A WSGI app by its Python module, looked for in `chdir` and in `pythonpath`.',
    }),
  ),
  'wsgi-file': text.optional().meta(
    meta({
      group: 'which app',
      example: 'app.py',
      description: 'A WSGI app by the Python file that defines it. Relative to `chdir`.',
    }),
  ),
  command: z
    .union([text, z.array(anyText).min(1, 'expected a program')], {
      error: (issue) =>
        `expected a command line, or a list of the program and its arguments, got ${describeInput(issue.input)}`,
    })
    .meta({ words: 'text, or list of texts' })
    .optional()
    .meta(
      meta({
        group: 'which app',
        example: 'python3 server.py',
        description:
          'Any program: it serves HTTP on `$PORT` or on the socket that `LISTEN_FDS` passes. Text is run by /bin/sh, a list is run as it stands.',
      }),
    ),
  upstream: upstream.optional().meta(
    meta({
      group: 'which app',
      example: '[http://10.0.0.5:3000, {address: "unix:/run/legacy.sock", weight: 3}]',
      description:
        'Backends that somebody else runs: `unix:/path` or `http://host:port`, each with a `weight`; `[]` where all of them register themselves (`emperor upstream add`).',
    }),
  ),
  callable: pythonName.optional().meta(
    meta({
      group: 'which app',
      default: 'application',
      example: 'app',
      description: 'What the module or file of a Python app calls the app; `module` may say it as well, after a colon.',
    }),
  ),
  domains: texts.optional().meta(
    meta({
      group: 'where',
      example: '[shop.example.com, "*.shop.example.com", example.com/shop]',
      description:
        "Hosts, wildcard hosts and host/path prefixes that the app serves; `*` takes what nobody else does. Default: the file's name if it has a dot, else `<name>.localhost`.",
    }),
  ),
  chdir: text.optional().meta(
    meta({
      group: 'how',
      description:
        "The working directory. Relative to the config file, and by default the config file's own directory.",
    }),
  ),
  virtualenv: text.optional().meta(
    meta({
      group: 'how',
      example: './venv',
      description:
        'The virtual environment of a Python app: its Python runs the workers, and so its packages are found.',
    }),
  ),
  home: text.optional().meta(meta({ group: 'how', description: 'Another name of `virtualenv`.' })),
  pythonpath: texts.default([]).meta(
    meta({
      group: 'how',
      example: '[lib, ../shared]',
      description: 'Where Python looks for modules after `chdir`, and before its own directories. Relative to `chdir`.',
    }),
  ),
};

export const vassalFields = { ...ownFields, ...sharedFields };

/** A vassal's config file, less its `x-…` keys (which are the user's own). */
export const vassalSchema = keyed(vassalFields);

/** The keys by which a file says what its app is; exactly one must be there. */
export const appKeys = ['app', 'module', 'wsgi-file', 'command', 'upstream'] as const;

/** Keys that have a meaning for Python apps only: with others they would do nothing, so they are errors. */
export const keysOfPython = [
  'callable',
  'virtualenv',
  'home',
  'pythonpath',
  'python',
  'threads',
] as const satisfies readonly (keyof typeof vassalFields)[];

/** Keys about Node, which have no meaning for Python apps. */
export const keysOfNode = ['node', 'node-args', 'handoff'] as const satisfies readonly (keyof typeof vassalFields)[];

/** Keys about processes that we run: with `upstream` they would do nothing, so they are errors. */
export const keysOfOwnProcesses = [
  'chdir',
  'processes',
  'env',
  'env-file',
  'node',
  'node-args',
  'handoff',
  'stop-timeout',
  'stop-signal',
  'rollout',
] as const satisfies readonly (keyof typeof vassalFields)[];

type Validated = z.output<typeof vassalSchema>;

/**
 * The validated config of one app: the keys of the table under their own names, durations in milliseconds, sizes
 * in bytes, paths absolute, defaults filled in. Plain JSON, so that it can be sent to the vassal and digested.
 */
export type VassalSpec = Omit<Validated, 'domains' | 'chdir' | 'home'> & {
  readonly domains: readonly string[];
  readonly chdir: string;
};

// emperor.yaml as one table, like the vassals' (see vassal-spec.ts). Every key is optional, and flags override.
import { z } from 'zod';
import { logLevels } from '../log.ts';
import { transportWishes } from '../transport-choice.ts';
import { address, addresses, duration, flag, keyed, meta, oneOf, size, text, texts, wholeNumber } from './fields.ts';
import { defaultableFields } from './vassal-spec.ts';

/**
 * Answers after which a connection has proved to be kept alive. Handing over costs about as much as three requests that
 * are carried, so one that ends sooner would not pay.
 */
export const answersBeforeHandoff = 3;

const log = keyed({
  level: oneOf(logLevels)
    .default('info')
    .meta(meta({ group: 'log', default: 'info', description: 'The least important line that is written.' })),
  format: oneOf(['auto', 'json', 'pretty'])
    .default('auto')
    .meta(
      meta({ group: 'log', default: 'auto', description: '`auto` is `pretty` on a terminal and `json` elsewhere.' }),
    ),
  access: flag
    .default(true)
    .meta(meta({ group: 'log', default: true, description: 'One JSON line per request on standard output.' })),
}).prefault({});

const router = keyed({
  processes: wholeNumber(1, 64)
    .default(1)
    .meta(meta({ group: 'router', default: 1, description: 'Router processes; they share the listening sockets.' })),
  transport: oneOf(transportWishes)
    .default('auto')
    .meta(
      meta({
        group: 'router',
        default: 'auto',
        description:
          'How a router moves bytes. `reactor`: by the addon, on Linux; where it cannot run the emperor does not start. `portable`: by plain Node. `auto`: by the reactor wherever it runs, else portable.',
      }),
    ),
  'header-timeout': duration.default(10_000).meta(
    meta({
      group: 'router',
      default: '10s',
      description: 'How long a client may take to send a request head; then 408.',
    }),
  ),
  'body-timeout': duration.default(30_000).meta(
    meta({
      group: 'router',
      default: '30s',
      description: 'How long a client may pause within a request body; then 408.',
    }),
  ),
  'idle-timeout': duration.default(75_000).meta(
    meta({
      group: 'router',
      default: '75s',
      description: 'How long a client connection may idle between requests.',
    }),
  ),
  'upstream-timeout': duration.default(60_000).meta(
    meta({
      group: 'router',
      default: '60s',
      description:
        'How long a worker may take to start its answer, or pause within it, while nothing else moves; then 504 or a cut. 0: for ever.',
    }),
  ),
  'tunnel-timeout': duration.default(3_600_000).meta(
    meta({
      group: 'router',
      default: '1h',
      description: 'How long an upgraded connection (a WebSocket) may be silent in both directions.',
    }),
  ),
  'max-header-size': size
    .default(16_384)
    .meta(meta({ group: 'router', default: '16K', description: 'Largest request head in bytes.' })),
  'max-headers': wholeNumber(1, 10_000)
    .default(200)
    .meta(meta({ group: 'router', default: 200, description: 'Most header fields in one request.' })),
  'max-connections': wholeNumber(1, 1_000_000)
    .default(10_000)
    .meta(
      meta({
        group: 'router',
        default: 10_000,
        description: 'Client connections that one router process holds; further ones wait in the listen queue.',
      }),
    ),
  'handoff-after': wholeNumber(0, 1_000_000)
    .default(answersBeforeHandoff)
    .meta(
      meta({
        group: 'router',
        default: answersBeforeHandoff,
        description:
          'Answers on one client connection after which it may be handed over to a worker of a Node app (see `handoff`). 0: never.',
      }),
    ),
  'generation-header': flag.default(false).meta(
    meta({
      group: 'router',
      default: false,
      description: 'Adds `X-Emperor-Generation: app/generation` to every answer of an app: which generation gave it.',
    }),
  ),
}).prefault({});

const defaults = keyed(defaultableFields());

export const emperorFields = {
  listen: addresses.default([':8080']).meta(
    meta({
      group: 'where',
      default: ':8080',
      example: '[":80", "unix:/run/emperor.sock"]',
      description: 'Addresses that clients connect to.',
    }),
  ),
  admin: address.optional().meta(
    meta({
      group: 'where',
      example: '127.0.0.1:9000',
      description: 'A loopback address or unix socket that answers GET /status, for monitoring.',
    }),
  ),
  'run-dir': text.optional().meta(
    meta({
      group: 'where',
      default: '/run/emperor',
      description:
        'Where sockets and logs live. For others than root: $XDG_RUNTIME_DIR/emperor, else /tmp/emperor-<uid>.',
    }),
  ),
  'trusted-proxies': texts.default([]).meta(
    meta({
      group: 'where',
      example: '[10.0.0.0/8]',
      description: 'Addresses and networks whose X-Forwarded-… headers are believed; `unix` means unix-socket clients.',
    }),
  ),
  'deploys-at-once': wholeNumber(1, 1024)
    .optional()
    .meta(
      meta({
        group: 'deploy',
        description: 'Generations that may start at the same time. Default: the number of cores.',
      }),
    ),
  'on-touch': oneOf(['deploy', 'ignore'])
    .default('deploy')
    .meta(meta({ group: 'deploy', default: 'deploy', description: 'What `touch` on a vassal file does.' })),
  rescan: duration
    .refine((ms) => ms >= 100, 'expected at least 100ms')
    .default(10_000)
    .meta(
      meta({
        group: 'deploy',
        default: '10s',
        description: 'How often the directory is read even if nothing was heard of it.',
      }),
    ),
  log,
  router,
  defaults: defaults
    .default({})
    .meta(meta({ group: 'defaults', description: 'Values for every vassal that does not set the key itself.' })),
};

export const emperorSchema = keyed(emperorFields);

/** emperor.yaml, validated; durations in milliseconds, sizes in bytes. */
export type EmperorConfig = z.output<typeof emperorSchema>;
export type RouterConfig = EmperorConfig['router'];

// PURE. The life of one instance as a table: every state, every event, what follows. Planner and handle obey it;
// neither keeps a rule of its own. What an app is (running, degraded, …) is derived elsewhere and never stored.

export const instanceStates = ['starting', 'ready', 'draining', 'stopping', 'exited'] as const;
export type InstanceState = (typeof instanceStates)[number];

export const instanceEvents = [
  /** The vassal said that all its workers are ready. */
  'ready',
  /** The vassal said that it gives up. */
  'gave-up',
  'ready-timeout',
  /** Nobody wants it any more; if it served, it is out of the route table. */
  'retired',
  /** What followed it was refused, and it is wanted again before it was told to stop. */
  'recalled',
  /** No router holds a request for it any more. */
  'drained',
  'drain-timeout',
  'kill-timeout',
  /** End at once, whatever runs: the operator's second signal. */
  'hurried',
  /** The process is gone. */
  'exited',
] as const;
export type InstanceEvent = (typeof instanceEvents)[number];

/** What entering the new state asks for. `kill-tree` reaches the whole process group, workers included. */
export type Effect = 'send-stop' | 'kill-tree' | 'record-failed-start' | 'record-death';

interface Step {
  readonly to: InstanceState;
  readonly effects: readonly Effect[];
}

/** `ignored`: may come late and changes nothing. `impossible`: whoever sent it is wrong. */
export type Row = Step | 'ignored' | 'impossible';

const step = (to: InstanceState, ...effects: readonly Effect[]): Step => ({ to, effects });

export const lifecycle = {
  starting: {
    ready: step('ready'),
    'gave-up': step('stopping', 'record-failed-start'),
    'ready-timeout': step('stopping', 'record-failed-start', 'send-stop'),
    retired: step('stopping', 'send-stop'),
    recalled: 'impossible',
    drained: 'impossible',
    'drain-timeout': 'impossible',
    'kill-timeout': 'impossible',
    hurried: step('stopping', 'kill-tree'),
    exited: step('exited', 'record-failed-start', 'kill-tree'),
  },
  ready: {
    ready: 'ignored',
    'gave-up': step('stopping', 'record-death'),
    'ready-timeout': 'impossible',
    retired: step('draining'),
    recalled: 'ignored',
    drained: 'impossible',
    'drain-timeout': 'impossible',
    'kill-timeout': 'impossible',
    hurried: step('stopping', 'kill-tree'),
    exited: step('exited', 'record-death', 'kill-tree'),
  },
  draining: {
    ready: 'ignored',
    'gave-up': step('stopping'),
    'ready-timeout': 'impossible',
    retired: 'ignored',
    recalled: step('ready'),
    drained: step('stopping', 'send-stop'),
    'drain-timeout': step('stopping', 'send-stop'),
    'kill-timeout': 'impossible',
    hurried: step('stopping', 'kill-tree'),
    exited: step('exited', 'kill-tree'),
  },
  stopping: {
    ready: 'ignored',
    'gave-up': 'ignored',
    'ready-timeout': 'impossible',
    retired: 'ignored',
    recalled: 'impossible',
    drained: 'impossible',
    'drain-timeout': 'impossible',
    // Stays: a process in uninterruptible sleep outlives even KILL, and is tried again.
    'kill-timeout': step('stopping', 'kill-tree'),
    hurried: step('stopping', 'kill-tree'),
    exited: step('exited', 'kill-tree'),
  },
  exited: {
    ready: 'ignored',
    'gave-up': 'ignored',
    'ready-timeout': 'impossible',
    retired: 'ignored',
    recalled: 'impossible',
    drained: 'impossible',
    'drain-timeout': 'impossible',
    'kill-timeout': 'impossible',
    hurried: 'ignored',
    exited: 'ignored',
  },
} as const satisfies Record<InstanceState, Record<InstanceEvent, Row>>;

/** The event that a state's deadline brings; null where a state may last for ever. */
export const deadlineEvent = {
  starting: 'ready-timeout',
  ready: null,
  draining: 'drain-timeout',
  stopping: 'kill-timeout',
  exited: null,
} as const satisfies Record<InstanceState, InstanceEvent | null>;

/** What `event` does in `state`. */
export function transition(state: InstanceState, event: InstanceEvent): Row {
  return lifecycle[state][event];
}

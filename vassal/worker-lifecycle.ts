// The life of a worker as one table, `phase × event`. Pure: it decides nothing and does nothing, but every change of
// a worker's phase goes through it. A worker is an id and a socket; processes come and go under it.

export type WorkerPhase = 'backoff' | 'starting' | 'ready' | 'stopping' | 'ended';

/**
 * `spawned`: a process was started (it may turn out that it could not be). `proved`: it proved ready.
 * `told-to-stop`: the pool wants it gone. `exited`: the process and everything it left behind are gone.
 */
export type WorkerEvent = 'spawned' | 'proved' | 'told-to-stop' | 'exited';

const table = {
  backoff: { spawned: 'starting', proved: 'impossible', 'told-to-stop': 'ended', exited: 'impossible' },
  starting: { spawned: 'impossible', proved: 'ready', 'told-to-stop': 'stopping', exited: 'backoff' },
  ready: { spawned: 'impossible', proved: 'ready', 'told-to-stop': 'stopping', exited: 'backoff' },
  // A proof that was under way when the worker was told to stop comes too late and changes nothing.
  stopping: { spawned: 'impossible', proved: 'stopping', 'told-to-stop': 'stopping', exited: 'ended' },
  ended: { spawned: 'starting', proved: 'impossible', 'told-to-stop': 'ended', exited: 'impossible' },
} as const satisfies Record<WorkerPhase, Record<WorkerEvent, WorkerPhase | 'impossible'>>;

/** The phase after `event`; `impossible` where that event cannot happen in `phase` (a bug of the caller). */
export function nextPhase(phase: WorkerPhase, event: WorkerEvent): WorkerPhase | 'impossible' {
  return table[phase][event];
}

// PURE. How long an instance may stay in a state before something is done about it (lifecycle.ts says what).
import type { VassalSpec } from '../lib/spec/vassal-spec.ts';
import type { InstanceState } from './lifecycle.ts';

/** The primary enforces stop-timeout itself; we step in only after that. Also what a primary may take to dial in. */
const graceMs = 2000;
/** At ready-timeout the primary says in its log what each worker is waiting for; that is part of the verdict. */
const verdictMs = 100;
/** Between two attempts to kill what does not end. */
const killAgainMs = 1000;

type Timeouts = Pick<VassalSpec, 'ready-timeout' | 'drain-timeout' | 'stop-timeout'>;

/**
 * For how long it may be in `state`, from now on; undefined: for ever. `isRepeated`: it was in it before, so that what
 * was to end it was tried once.
 */
export function stateLimitMs(state: InstanceState, spec: Timeouts, isRepeated: boolean): number | undefined {
  const limitsMs: Record<InstanceState, number | undefined> = {
    starting: spec['ready-timeout'] + graceMs,
    ready: undefined,
    draining: spec['drain-timeout'],
    stopping: isRepeated ? killAgainMs : spec['stop-timeout'] + graceMs,
    exited: undefined,
  };
  return limitsMs[state];
}

/** For how long it may be starting once it was told what to run: only then is there anything that could become ready. */
export function readyLimitMs(spec: Timeouts): number {
  return spec['ready-timeout'] + verdictMs;
}

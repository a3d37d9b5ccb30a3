// PURE. What an app is, derived from the facts each time it is asked; it is stored nowhere, so it cannot be wrong.
import {
  chooseDeployable,
  isRefused,
  liveInstance,
  nextInstance,
  satisfies,
  type AppFacts,
  type Deployable,
  type Desired,
} from './facts.ts';
import { decideRestart } from './restart-policy.ts';

export type AppState = 'running' | 'deploying' | 'degraded' | 'backoff' | 'failed' | 'paused' | 'stopped' | 'invalid';

/** `isBroken`: the file is invalid or unreadable just now. */
export function deriveAppState(desired: Desired, app: AppFacts, isBroken: boolean, nowMs: number): AppState {
  if (!isWanted(desired, app.name)) return 'stopped';
  const chosen = chooseDeployable(desired, app);
  if (chosen === undefined) return 'invalid';
  if (desired.apps.get(app.name)?.isPaused === true) return 'paused';
  if (isDeploying(app, chosen)) return 'deploying';
  if (liveInstance(app, chosen) === undefined) {
    const decision = decideRestart(app.deaths, nowMs);
    return decision.restart ? 'deploying' : decision.state;
  }
  const target = desired.apps.get(app.name)?.target ?? chosen;
  return isBroken || !satisfies(chosen, target) ? 'degraded' : 'running';
}

/** Something is on its way that is to serve, or what serves is to be replaced. */
function isDeploying(app: AppFacts, chosen: Deployable): boolean {
  const isStarting = app.instances.some(
    ({ state, deployable }) => state === 'starting' && satisfies(deployable, chosen),
  );
  if (isStarting || nextInstance(app, chosen) !== undefined) return true;
  const live = liveInstance(app, chosen);
  return live !== undefined && (!satisfies(live.deployable, chosen) || isRefused(app, live));
}

function isWanted(desired: Desired, name: string): boolean {
  if (desired.isEnding) return false;
  const wanted = desired.apps.get(name);
  return wanted === undefined ? !desired.isComplete : !wanted.isStopped;
}

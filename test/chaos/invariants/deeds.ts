// What the script asked for must have come true: each action says itself what did not.
import { ms, type Invariant, type Violation } from '../evidence.ts';

export const deeds: Invariant = ({ actions }) =>
  actions.flatMap(({ name, app, detail, problem, startedAtMs, endedAtMs }): Violation[] => {
    if (problem === undefined) return [];
    const what = `${name} ${app ?? ''} ${detail} (from ${ms(startedAtMs)}): ${problem}`;
    return [{ invariant: 'what is asked for happens', atMs: endedAtMs ?? startedAtMs, what }];
  });

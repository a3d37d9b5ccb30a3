// What is done to the box during a run: a deck of all actions, each as often as it weighs, dealt in an order that the
// seed decides, and dealt again when it is used up. Each is followed by a pause of its own.
import { edits } from './actions/edits.ts';
import type { Action, Deed } from './actions/action.ts';
import { kills } from './actions/kills.ts';
import { verbs } from './actions/verbs.ts';

export const actions: readonly Action[] = [...edits, ...verbs, ...kills];

/** Acts until the pace is over. */
export async function play(deed: Deed, known: ReadonlySet<string>): Promise<void> {
  const possible = actions.filter(({ verb }) => verb === undefined || known.has(verb));
  const deck = possible.flatMap((action) => Array.from({ length: action.weight }, () => action));
  let cards: Action[] = [];
  while (!deed.pace.isOver) {
    // Of every kind at least one early, so that a short run has tried most of them.
    if (cards.length === 0) cards = [...deed.random.shuffle(possible), ...deed.random.shuffle(deck)];
    const card = cards.shift();
    await card?.run(deed);
    await deed.pace.pause(deed.random.integer(50, 1200));
  }
}

/** Actions whose verb the command line does not have: a run that cannot try them has failed. */
export function impossible(known: ReadonlySet<string>): readonly string[] {
  return actions.filter(({ verb }) => verb !== undefined && !known.has(verb)).map(({ name }) => name);
}

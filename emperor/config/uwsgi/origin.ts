// Where a line stands: in the vassal's own file, or in one that it includes. What is wrong with an included line is
// told at the line that includes it, because a problem belongs to the file of the app that it harms. PURE.
import type { Place } from '../problem.ts';

export interface Origin {
  /** Absolute path. */
  readonly file: string;
  readonly at: Place;
  readonly valueAt: Place;
  /** The line that includes this file; undefined in the vassal's own. */
  readonly via: Origin | undefined;
}

/** A place in the vassal's own file; `within` names the place in an included one. */
export function placeOfKey(origin: Origin): Place {
  return outermost(origin, 'at');
}

/** The same for the value. */
export function placeOfValue(origin: Origin): Place {
  return outermost(origin, 'valueAt');
}

function outermost(origin: Origin, part: 'at' | 'valueAt'): Place {
  if (origin.via === undefined) return origin[part];
  let own = origin.via;
  while (own.via !== undefined) own = own.via;
  return { ...own.valueAt, within: `${origin.file}:${origin[part].line}` };
}

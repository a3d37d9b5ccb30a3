// Which backends there are: those of the file, those that registered, and the id that each address keeps. Pure.
import type { Registration } from '../../../lib/vassal-messages.ts';

export interface Wanted {
  readonly address: string;
  readonly weight: number;
}

/** The file's first, each address once: what the file says of an address wins over its registration. */
export function wantedBackends(configured: readonly Wanted[], registrations: readonly Registration[]): Wanted[] {
  const byAddress = new Map<string, Wanted>();
  for (const { address, weight } of [...configured, ...registrations]) {
    if (!byAddress.has(address)) byAddress.set(address, { address, weight });
  }
  return [...byAddress.values()];
}

/** More than an app can have at a time; backends that come from ever new ports must not fill the memory. */
const mostRemembered = 4096;

/** Gives every address an id of its own, from 1 on; one that comes back soon has the id that it had. */
export class BackendIds {
  readonly #ids = new Map<string, number>();
  #last = 0;

  of(address: string): number {
    const id = this.#ids.get(address) ?? ++this.#last;
    // The one that was not asked for the longest is the first of the map, and the first to be forgotten.
    this.#ids.delete(address);
    this.#ids.set(address, id);
    for (const oldest of this.#ids.keys()) {
      if (this.#ids.size <= mostRemembered) break;
      this.#ids.delete(oldest);
    }
    return id;
  }
}

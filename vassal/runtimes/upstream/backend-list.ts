// Which backends there are: those of the file, those that registered, and the id that each address keeps. Pure.
import type { Registration } from '../../../lib/messages.ts';

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

/** Gives every address an id of its own, from 1 on; one that comes back has the id that it had. */
export class BackendIds {
  readonly #ids = new Map<string, number>();

  of(address: string): number {
    const id = this.#ids.get(address) ?? this.#ids.size + 1;
    this.#ids.set(address, id);
    return id;
  }
}

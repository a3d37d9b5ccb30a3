// The route table last published, and its version, which grows beyond all that any router ever held, also those that got
// theirs from another emperor: a router takes a table of a lower version for an old one.
import type { PublishRoutes } from '../lib/router-messages.ts';
import type { AppRoute } from '../lib/routes.ts';

export class PublishedRoutes {
  #current: PublishRoutes = { type: 'routes', version: 0, apps: [] };
  #highestVersion = 0;

  /** Version 0 before the first. */
  get current(): PublishRoutes {
    return this.#current;
  }

  publish(apps: readonly AppRoute[]): PublishRoutes {
    this.#highestVersion += 1;
    this.#current = { type: 'routes', version: this.#highestVersion, apps };
    return this.#current;
  }

  /** A router holds a table of that version, whoever gave it: those to be published will be above it. */
  noteHeld(version: number): void {
    this.#highestVersion = Math.max(this.#highestVersion, version);
  }

  /** There is a table, and a router that holds one of that version would take it for an old one. */
  isOlderThan(version: number): boolean {
    return this.#current.version > 0 && this.#current.version < version;
  }
}

// One system under the same load and the same deploys: what the bench asks of each.

export interface Contender {
  readonly name: string;
  /** Program and version, and the settings that matter. */
  readonly setup: string;
  /** Where clients connect. */
  readonly port: number;
  readonly host: string;
  /**
   * Saves a version of the app and does what this system asks for on top of that (a command, a touched file). Resolves
   * when its command has ended, if there is one; whether the version is served then is for the load to see.
   */
  deploy(release: Release): Promise<void>;
}

export interface Release {
  readonly version: string;
  /** It throws when it is loaded. */
  readonly isBroken: boolean;
}

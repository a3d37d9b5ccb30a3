// A comparison of our router with its peers under one kind of load.
import type { Scope } from '../../harness/scope.ts';
import type { CaseResult } from './result.ts';
import type { Settings } from './settings.ts';

export interface Scenario {
  /** In half a line, for the list. */
  readonly summary: string;
  /** Rejects with NotInstalled where it cannot be measured on this machine; a peer that is missing is no such reason. */
  run(scope: Scope, settings: Settings): Promise<readonly CaseResult[]>;
}

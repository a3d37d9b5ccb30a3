// A router under test, and what all of them are to do.
import type { Scope } from '../../harness/scope.ts';
import type { Missing } from '../missing.ts';

export interface Contender {
  readonly name: string;
  /** Program and version. */
  readonly version: string;
  /** The port of 127.0.0.1 where clients connect. */
  readonly port: number;
  /** The router's processes, whose CPU time and memory count. */
  readonly pids: readonly number[];
  /** Has it collect its garbage; none where that is nothing that can be asked for. */
  readonly collectGarbage?: () => Promise<void>;
}

/** What every router serves: the host a.test, from one upstream. */
export interface Site {
  /** The upstream's unix socket. */
  readonly upstream: string;
  readonly accessLog: boolean;
  /** `collectGarbage` is wanted. */
  readonly isInspectable?: boolean;
}

export type StartContender = (scope: Scope, site: Site) => Promise<Contender | Missing>;

export const siteHost = 'a.test';

/** As many as there may be of clients and of connections to the upstream, for those who want to be told. */
export const mostConnections = 12_000;

// A vassal with one Node worker, and a router that hands its clients' connections over to it.
import assert from 'node:assert/strict';
import { HandingRouter, type HandingSetup } from './handing-router.ts';
import type { RawConnection } from './http-client.ts';
import { readAnswers, type RawAnswer } from './raw-answers.ts';
import type { Scope } from './scope.ts';
import { startVassal, type VassalProcess } from './vassal-process.ts';

export interface HandoffSite {
  readonly vassal: VassalProcess;
  readonly router: HandingRouter;
}

export interface HandoffSetup extends Partial<HandingSetup> {
  /** Default `echo-exchange`. */
  readonly fixture?: string;
  /** Of the spec. */
  readonly keys?: Readonly<Record<string, unknown>>;
}

export async function startHandoff(t: Scope, { fixture, keys, ...setup }: HandoffSetup = {}): Promise<HandoffSite> {
  const vassal = await startVassal(t, { fixture: fixture ?? 'echo-exchange', keys: keys ?? {} });
  const { workers } = await vassal.ready();
  const path = workers[0]?.handoff;
  assert.ok(typeof path === 'string', 'the worker takes connections over');
  return { vassal, router: await HandingRouter.start(t, { path, ...setup }) };
}

export const get = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n`;

/** The given number of whole answers. */
export async function answersOf(connection: RawConnection, count: number): Promise<readonly RawAnswer[]> {
  const whole = (text: string): RawAnswer[] => readAnswers(text).final.filter(({ isWhole }) => isWhole);
  return whole(await connection.until(`answer ${count}`, (text) => whole(text).length >= count));
}

/** What `echo-exchange` says of the request. */
export interface SeenRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
  readonly body: string;
}

export const seenBy = (answer: RawAnswer | undefined): SeenRequest => JSON.parse(answer?.body ?? '') as SeenRequest;

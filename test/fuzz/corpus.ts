// What is checked before anything is drawn: the inputs that once broke a rule (corpus.json, never shortened), and every
// seed as it stands.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../harness/paths.ts';
import { inOnePiece, parseInput, requestLimits, responseLimits, type Input } from './input.ts';
import { requestSeeds, responseSeeds } from './seeds.ts';

export interface KnownInput {
  readonly name: string;
  readonly input: Input;
}

interface PastFinding {
  /** What it broke. */
  readonly name: string;
  readonly input: unknown;
}

export function corpus(): readonly KnownInput[] {
  return [...pastFindings(), ...requestSeedsAlone(), ...responseSeedsAlone()];
}

function pastFindings(): readonly KnownInput[] {
  const file = join(packageRoot, 'test/fuzz/corpus.json');
  const findings = JSON.parse(readFileSync(file, 'utf8')) as readonly PastFinding[];
  return findings.map(({ name, input }) => ({ name, input: parseInput(JSON.stringify(input)) }));
}

function requestSeedsAlone(): readonly KnownInput[] {
  return requestSeeds.map(({ bytes }) => ({
    name: nameOf(bytes.toString('latin1')),
    input: { direction: 'request', bytes, limits: requestLimits, feeding: inOnePiece },
  }));
}

function responseSeedsAlone(): readonly KnownInput[] {
  return responseSeeds.map(({ bytes, method }) => ({
    name: nameOf(bytes.toString('latin1')),
    input: {
      direction: 'response',
      bytes,
      limits: responseLimits,
      feeding: inOnePiece,
      exchanges: [{ method, asksUpgrade: true, minorVersion: 1 }],
    },
  }));
}

function nameOf(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}

// What no file can be judged by alone: two files of one name, two files with one domain, files that are perhaps
// half written or just vanished. Pure: readings and the previous snapshot in, the state of every file out.
import type { VassalSpec } from '../../lib/spec/vassal-spec.ts';
import { digestSpec } from './digest.ts';
import { settleClaims, type Claimant, type Refusal } from './domain-claims.ts';
import { fileProblem, problemAt, type Problem } from './problem.ts';
import type { Reading } from './reading.ts';
import type { ConfigSnapshot, DigestedSpec, FileState } from './scan.ts';

export interface JudgeOptions {
  readonly previous: ConfigSnapshot | undefined;
  /** Specs of adopted instances, for the first snapshot. */
  readonly running: ReadonlyMap<string, VassalSpec>;
  readonly settleMs: number;
  readonly nowMs: number;
}

export type Judgement = Pick<ConfigSnapshot, 'files' | 'problems' | 'rescanAfterMs'> & {
  readonly missedSinceMs: ReadonlyMap<string, number>;
};

export function judgeTogether(readings: readonly Reading[], options: JudgeOptions): Judgement {
  const problems: Problem[] = [];
  const files = new Map<string, FileState>();
  for (const [name, candidates] of groupByName(readings)) {
    const chosen = chooseFile(candidates, options.previous?.files.get(name)?.file);
    for (const loser of candidates.filter((candidate) => candidate !== chosen)) problems.push(sameName(loser, chosen));
    files.set(name, stateOf(chosen, lastGoodOf(name, options), options));
  }
  const missedSinceMs = keepMissed(files, options);
  refuseClaims(files, { readings, missedSinceMs });
  for (const state of files.values()) {
    if (state.state === 'invalid' || state.state === 'unreadable') problems.push(...state.problems);
  }
  return { files, problems, missedSinceMs, rescanAfterMs: rescanAfter(files, missedSinceMs, options) };
}

function groupByName(readings: readonly Reading[]): Map<string, [Reading, ...Reading[]]> {
  const groups = new Map<string, [Reading, ...Reading[]]>();
  for (const reading of readings) {
    const group = groups.get(reading.name);
    if (group === undefined) groups.set(reading.name, [reading]);
    else group.push(reading);
  }
  return groups;
}

/** Of several files of one name: the one that had it, else the older, else the first by name. */
function chooseFile(candidates: readonly [Reading, ...Reading[]], before: string | undefined): Reading {
  const known = candidates.find(({ file }) => file === before);
  if (known !== undefined) return known;
  return candidates.reduce((best, other) =>
    other.stamp.mtimeMs - best.stamp.mtimeMs < 0 ||
    (other.stamp.mtimeMs === best.stamp.mtimeMs && other.fileName < best.fileName)
      ? other
      : best,
  );
}

function sameName(loser: Reading, chosen: Reading): Problem {
  const message = `the app ${loser.name} is already configured by ${chosen.file}`;
  return fileProblem(loser.file, message, 'remove or rename one of the two files');
}

function lastGoodOf(name: string, { previous, running }: JudgeOptions): DigestedSpec | null {
  if (previous !== undefined) return previous.files.get(name)?.lastGood ?? null;
  const spec = running.get(name);
  return spec === undefined ? null : { spec, digest: digestSpec(spec) };
}

function stateOf(reading: Reading, lastGood: DigestedSpec | null, options: JudgeOptions): FileState {
  const { name, file, stamp, verdict } = reading;
  const base = { name, file, stamp };
  switch (verdict.kind) {
    case 'valid': {
      const good = { spec: verdict.spec, digest: verdict.digest };
      // `lastGood` is still the one before: claims are settled by it, and then it becomes this one.
      return { ...base, ...good, notes: verdict.notes, state: 'valid', lastGood };
    }
    case 'invalid': {
      const isYoung = Math.abs(options.nowMs - stamp.mtimeMs) < options.settleMs;
      const state = verdict.mayBeHalfWritten && isYoung ? 'settling' : 'invalid';
      return { ...base, state, problems: verdict.problems, lastGood };
    }
    case 'unreadable':
      return { ...base, state: 'unreadable', problems: verdict.problems, lastGood };
  }
}

/**
 * Files that are gone are kept as settling for a moment: editors that move the old file away before they write the
 * new one would else stop the app. Returns since when each is missed.
 */
function keepMissed(files: Map<string, FileState>, options: JudgeOptions): Map<string, number> {
  const missed = new Map<string, number>();
  const { previous, nowMs, settleMs } = options;
  for (const [name, before] of previous?.files ?? []) {
    if (files.has(name) || before.lastGood === null) continue;
    const sinceMs = previous?.memory.missedSinceMs.get(name) ?? nowMs;
    // A wall clock that was set back ends the wait, too.
    if (Math.abs(nowMs - sinceMs) >= settleMs) continue;
    missed.set(name, sinceMs);
    const { file, stamp, lastGood } = before;
    files.set(name, { name, file, stamp, lastGood, state: 'settling', problems: [] });
  }
  return missed;
}

interface ClaimContext {
  readonly readings: readonly Reading[];
  readonly missedSinceMs: ReadonlyMap<string, number>;
}

/** Settles the domains, refuses the losers, and makes the specs of all others their last good ones. */
function refuseClaims(files: Map<string, FileState>, context: ClaimContext): void {
  const refusals = settleClaims([...files.values()].map(claimantOf));
  const byFile = new Map(context.readings.map((reading) => [reading.file, reading]));
  for (const [name, state] of files) {
    if (state.state !== 'valid') continue;
    const refusal = refusals.get(name);
    if (refusal === undefined) {
      files.set(name, { ...state, lastGood: { spec: state.spec, digest: state.digest } });
      continue;
    }
    const { file, stamp, lastGood } = state;
    const problems = [claimedProblem(file, refusal, byFile.get(file))];
    // Claimed by a file that just vanished (it was renamed, say): free in a moment, so not worth a word.
    const refused = context.missedSinceMs.has(refusal.owner.name) ? 'settling' : 'invalid';
    files.set(name, { name, file, stamp, lastGood, state: refused, problems });
  }
}

function claimantOf(state: FileState): Claimant {
  return {
    name: state.name,
    file: state.file,
    mtimeMs: state.stamp.mtimeMs,
    wanted: state.state === 'valid' ? state.spec.domains : null,
    held: state.lastGood?.spec.domains ?? [],
  };
}

function claimedProblem(file: string, { domain, owner }: Refusal, reading: Reading | undefined): Problem {
  const verdict = reading?.verdict;
  const place = verdict?.kind === 'valid' ? (verdict.domainPlaces.get(domain) ?? null) : null;
  const hint =
    place === null
      ? "this domain comes from the file's name: set domains, or rename the file"
      : 'remove it from one of the two files';
  return problemAt(file, place, { message: `${domain} is already claimed by ${owner.file}`, hint });
}

/** When the youngest of what is settling has settled. */
function rescanAfter(
  files: ReadonlyMap<string, FileState>,
  missedSinceMs: ReadonlyMap<string, number>,
  { nowMs, settleMs }: JudgeOptions,
): number | null {
  const ages = [...files.values()]
    .filter(({ state }) => state === 'settling')
    .map(({ name, stamp }) => Math.abs(nowMs - (missedSinceMs.get(name) ?? stamp.mtimeMs)));
  if (ages.length === 0) return null;
  // Never at once: what waits for another file's end is itself old.
  return Math.max(10, ...ages.map((ageMs) => Math.ceil(settleMs - Math.min(ageMs, settleMs))));
}

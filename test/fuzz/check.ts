// The oracle: everything that must hold for any bytes of a client or of a worker. Throws a Finding where it does not.
import { checkForwardedRequests, checkForwardedResponses } from './check-forwarding.ts';
import { feedRequests, feedResponses, type Fed, type Feed } from './feed.ts';
import { Finding, must, mustEqual } from './finding.ts';
import { RequestForwarder, ResponseForwarder } from './forward.ts';
import type { Input, RequestInput, ResponseInput } from './input.ts';
import { readRequests, type Reading } from './reference/requests.ts';
import { readResponses } from './reference/responses.ts';
import { textOf } from './transcript.ts';
import type { LiveHead } from './transcript-sink.ts';

/** `thorough` feeds the bytes one by one as well, and looks at each of the parser's reads: ten times the work. */
export type Care = 'usual' | 'thorough';

/** The only statuses that a client is refused with; a worker's bytes are always 502. */
const requestRefusals = new Set([400, 405, 414, 431, 501, 505]);

export function check(input: Input, care: Care = 'usual'): void {
  try {
    if (input.direction === 'request') checkRequests(input, care);
    else checkResponses(input, care);
  } catch (error) {
    if (error instanceof Finding) throw error;
    throw new Finding('throws', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}

function checkRequests(input: RequestInput, care: Care): void {
  const [own, ...others] = feedsOf(input, care) as [Feed, ...Feed[]];
  const forwarder = new RequestForwarder(input.feeding);
  const first = feedRequests(input, own, forwarder);
  const { messages, withdrawn, refusal } = first.sink;
  checkForwardedRequests(withdrawn === undefined ? messages : [...messages, withdrawn], forwarder);
  must(
    'status',
    refusal === undefined || requestRefusals.has(refusal.status),
    () => `refused with ${refusal?.status ?? 0}`,
  );
  mustHaveWaited(first, own);
  for (const feed of others) {
    const other = feedRequests(input, feed);
    mustHaveWaited(other, feed);
    mustAgree(first, other, feed);
  }
  mustAgreeWithReference(first, readRequests(input.bytes.toString('latin1'), input.limits));
}

function checkResponses(input: ResponseInput, care: Care): void {
  const [own, ...others] = feedsOf(input, care) as [Feed, ...Feed[]];
  const forwarder = new ResponseForwarder(input.exchanges);
  const first = feedResponses(input, own, forwarder);
  const { messages, refusal } = first.sink;
  checkForwardedResponses(messages, forwarder, input);
  must('status', refusal === undefined || refusal.status === 502, () => `refused with ${refusal?.status ?? 0}`);
  for (const feed of others) mustAgree(first, feedResponses(input, feed), feed);
  mustAgreeWithReference(first, readResponses(input.bytes.toString('latin1'), input.exchanges, input.limits));
}

/** The first one is forwarded from, and compared with the reference. */
function feedsOf({ bytes, feeding }: Input, care: Care): readonly Feed[] {
  const whole: Feed = { cuts: [], pauses: 0, isGuarded: false };
  const inPieces: Feed = { cuts: inOrder(feeding.cuts, bytes.length), pauses: feeding.pauses, isGuarded: false };
  // Which of both the router sees is a matter of luck.
  const feeds = feeding.holdsBody ? [whole, inPieces] : [inPieces, whole];
  if (care === 'usual') return feeds;
  const everyOffset = Array.from({ length: Math.min(bytes.length, 2000) }, (_, offset) => offset);
  return [...feeds, { ...inPieces, isGuarded: true }, { cuts: everyOffset, pauses: 0, isGuarded: true }];
}

function inOrder(cuts: readonly number[], length: number): readonly number[] {
  return cuts.map((cut) => Math.min(cut, length)).sort((a, b) => a - b);
}

function mustAgree<Head extends LiveHead>(first: Fed<Head>, other: Fed<Head>, { cuts, pauses }: Feed): void {
  const how = (): string => `cut at ${cuts.slice(0, 20).join()} with pauses ${pauses.toString(2)}`;
  mustEqual('split', how, other.text, first.text);
  mustEqual('split', how, textOfRefusal(other), textOfRefusal(first));
  must('split', other.isIdle === first.isIdle, () => `${how()}: idle is ${other.isIdle}`);
  // Who was let through before he said more than he should have took bytes that count for nothing.
  const isWithdrawn = first.sink.withdrawn !== undefined || other.sink.withdrawn !== undefined;
  const isSame = isWithdrawn || other.consumed === first.consumed;
  must('split', isSame, () => `${how()}: took ${other.consumed}, not ${first.consumed}`);
}

/** Where everything comes at once the parser itself sees that more follows, before it reports anything. */
function mustHaveWaited<Head extends LiveHead>({ sink: { withdrawn } }: Fed<Head>, { cuts }: Feed): void {
  const isLate = withdrawn !== undefined && withdrawn.framing !== 'chunked';
  must('alone', cuts.length > 0 || !isLate, () => `${withdrawn?.gist ?? ''} was reported, and more bytes were there`);
}

function textOfRefusal<Head extends LiveHead>({ sink: { refusal } }: Fed<Head>): string {
  return refusal === undefined ? 'accepted' : `${refusal.status} ${refusal.reason}`;
}

function mustAgreeWithReference<Head extends LiveHead>(fed: Fed<Head>, reading: Reading): void {
  const { sink } = fed;
  const { refusal } = sink;
  const what = (): string => `${textOfRefusal(fed)}; the reference ${reading.isRefused ? 'refuses' : 'accepts'}`;
  mustEqual('reference', what, fed.text, textOf(reading.messages));
  must('reference', (refusal !== undefined) === reading.isRefused, what);
  const isSame = sink.withdrawn !== undefined || fed.consumed === reading.consumed;
  must('reference', isSame, () => `took ${fed.consumed} bytes, not ${reading.consumed}`);
  const isClean = refusal === undefined && sink.last?.status !== 101;
  must('reference', fed.isIdle === isClean, () => `idle is ${fed.isIdle}; ${what()}`);
  must('reference', refusal === undefined || /^[\x20-\x7e]{8,}$/.test(refusal.reason), 'no reason is given');
}

// Draws one input after another. Each comes from a seed of its own, so that any of them can be drawn again alone.
import { Random } from '../chaos/random.ts';
import type { HeadLimits } from '../../router/http1/message.ts';
import { Draft } from './draft.ts';
import { generateRequest, generateResponse } from './generate.ts';
import { requestLimits, responseLimits, type Exchange, type Feeding, type Input } from './input.ts';
import { mutate } from './mutate.ts';
import { requestSeeds, responseSeeds, usualSeedBytes, type Seed } from './seeds.ts';

/** So that short heads come to them. */
const narrowLimits: readonly HeadLimits[] = [
  { maxHeadBytes: 512, maxFields: 8 },
  { maxHeadBytes: 256, maxFields: 5 },
  { maxHeadBytes: 96, maxFields: 3 },
];
const draft = new Draft();
const shortRequestSeeds = requestSeeds.filter(isShort);
const shortResponseSeeds = responseSeeds.filter(isShort);

/** The input of that seed. Its bytes are valid until the next one is drawn. */
export function drawInput(seed: number): Input {
  // Seeds that are neighbours must not be streams that are.
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ (seed >>> 15));
  draft.clear();
  return random.chance(0.6) ? drawRequest(random) : drawResponse(random);
}

function drawRequest(random: Random): Input {
  const seeds = random.chance(0.0005) ? requestSeeds : shortRequestSeeds;
  do {
    if (random.chance(0.3)) draft.appendBytes(random.pick(seeds).bytes);
    else generateRequest(random, draft);
  } while (random.chance(0.25));
  change(random);
  const limits = random.chance(0.8) ? requestLimits : random.pick(narrowLimits);
  return { direction: 'request', bytes: draft.bytes, limits, feeding: drawFeeding(random) };
}

function drawResponse(random: Random): Input {
  const seeds = random.chance(0.0005) ? responseSeeds : shortResponseSeeds;
  const exchanges: Exchange[] = [];
  do {
    const isSeed = random.chance(0.3);
    const seed = random.pick(seeds);
    const exchange = drawExchange(random, isSeed ? seed.method : 'GET');
    exchanges.push(exchange);
    if (isSeed) draft.appendBytes(seed.bytes);
    else generateResponse(random, draft, exchange.method);
  } while (random.chance(0.25));
  const [first, ...more] = exchanges as [Exchange, ...Exchange[]];
  change(random);
  const limits = random.chance(0.8) ? responseLimits : random.pick(narrowLimits);
  const feeding = drawFeeding(random);
  return { direction: 'response', bytes: draft.bytes, limits, feeding, exchanges: [first, ...more] };
}

function drawExchange(random: Random, method: string): Exchange {
  const minorVersion = random.chance(0.2) ? 0 : 1;
  return {
    method: random.chance(0.1) ? random.pick(['HEAD', 'POST', 'OPTIONS']) : method,
    asksUpgrade: minorVersion === 1 && random.chance(0.3),
    minorVersion,
  };
}

function change(random: Random): void {
  if (random.chance(0.02)) {
    draft.clear();
    for (let i = random.integer(0, 60); i > 0; i--) draft.append(String.fromCharCode(random.integer(0, 255)));
  }
  const changes = random.chance(0.3) ? 0 : random.chance(0.6) ? 1 : random.integer(2, 4);
  for (let i = 0; i < changes; i++) mutate(random, draft);
}

function drawFeeding(random: Random): Feeding {
  const cuts: number[] = [];
  for (let i = random.integer(1, 4); i > 0; i--) cuts.push(random.integer(0, draft.length));
  return {
    cuts,
    // Every fourth call back on average, and mostly none.
    pauses: random.chance(0.2) ? random.integer(0, 0xffff) & random.integer(0, 0xffff) : 0,
    holdsBody: random.chance(0.5),
    isTrusted: random.chance(0.2),
  };
}

function isShort({ bytes }: Seed): boolean {
  return bytes.length <= usualSeedBytes;
}

// How V8's compiler is to treat a router, whose hundred short functions all run for every request.
import { setFlagsFromString } from 'node:v8';

/**
 * V8's own bounds for what is taken into another function (460 and 920 bytes of bytecode, of one and of all together) leave
 * most of them calls. With these the router's own work on a small exchange takes 1850 ns, with V8's 2130 (edge-cost,
 * Node 20); twice as much is slower again.
 */
const inlineMore = ['--max-inlined-bytecode-size=1000', '--max-inlined-bytecode-size-cumulative=4000'];

/**
 * In bytes of bytecode that run until a function is looked at; V8: 67584. What is compiled early is compiled again as more
 * becomes known, and on one core requests wait meanwhile. Of 15,000 a second from the router's first second on, p99 of the
 * first three seconds was, in four starts, 169 to 197 ms with all of V8's own bounds, 342 to 553 with those above, and 44
 * to 227 with this, too.
 */
const compileLater = '--interrupt-budget=500000';

/** To be called before anything is hot. A V8 that does not know a flag says so on standard error and goes on. */
export function tuneCompiler(): void {
  for (const flag of [...inlineMore, compileLater]) setFlagsFromString(flag);
}

// The memory that heads are written into: a writer's own, or that from which whoever sends them gives them to the kernel.
import { Buffer } from 'node:buffer';
import { ByteView } from './byte-view.ts';

export interface HeadSpace {
  readonly view: ByteView;
  /** Where the next head begins. */
  readonly at: number;
  /** There is too little room behind `at`: frees all of it, so that `at` is 0. What is in it stays until it is written over. */
  empty(): void;
}

/** Larger heads, of which there are few, cost memory of their own. */
const ownBytes = 16 * 1024;

/** Each head is written over the last one. */
export class OwnHeadSpace implements HeadSpace {
  readonly view = new ByteView(Buffer.allocUnsafeSlow(ownBytes));
  readonly at = 0;

  empty(): void {
    // It always is.
  }
}

// Small WebSocket frames (RFC 6455), as a client writes and reads them. Pure.
import { Buffer } from 'node:buffer';

export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** A masked frame of at most 125 bytes. */
export function writeFrame(opcode: number, payload: Buffer, maskKey: number): Buffer {
  const mask = Buffer.alloc(4);
  mask.writeUInt32BE(maskKey);
  const masked = Buffer.from(payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0)));
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), mask, masked]);
}

/** All whole frames of the bytes, and what is left of the next. A length of more than 125 is never sent to us. */
export function readFrames(bytes: Buffer): { readonly frames: readonly Frame[]; readonly rest: Buffer } {
  const frames: Frame[] = [];
  let rest = bytes;
  while (rest.length >= 2) {
    const [first = 0, second = 0] = rest;
    const length = second & 127;
    if (rest.length < 2 + length) break;
    frames.push({ opcode: first & 15, payload: rest.subarray(2, 2 + length) });
    rest = rest.subarray(2 + length);
  }
  return { frames, rest };
}

// Every phase of a client connection's life, each as the way into it: when it resolves, the connection is in that phase
// and may be ended.
import type { Conversation } from './conversation.ts';

/** Long enough for the router to have read what was sent, where nothing is answered that could be waited for. */
export const reachMs = 30;

/** `reached` lets the router read. */
type Enter = (conversation: Conversation, reached: () => Promise<void>) => Promise<void>;

const bodyBytes = 100_000;
const piece = Buffer.alloc(10_000, 'b');
/** More than the kernel holds for a client that does not read. */
const longBytes = 8_000_000;

export const phases: Readonly<Record<string, Enter>> = {
  'before a head': async (_conversation, reached) => reached(),

  'within a head': async (conversation, reached) => {
    conversation.write(conversation.head('GET', '/small').slice(0, -5));
    await reached();
  },

  'within a body': async (conversation, reached) => {
    conversation.write(conversation.head('POST', '/echo', [`Content-Length: ${bodyBytes}`]));
    conversation.write(piece);
    await reached();
  },

  'within a chunked body': async (conversation, reached) => {
    conversation.write(conversation.head('POST', '/echo', ['Transfer-Encoding: chunked']));
    conversation.write(`${piece.length.toString(16)}\r\n`);
    conversation.write(piece.subarray(1));
    await reached();
  },

  'before the answer': async (conversation, reached) => {
    conversation.write(conversation.head('GET', '/late?ms=200'));
    await reached();
  },

  'within the answer': async (conversation) => {
    conversation.write(conversation.head('GET', `/long?bytes=${longBytes}`));
    await conversation.bytes(1000);
  },

  idle: async (conversation) => {
    const { status } = await conversation.ask('/small');
    if (status !== 200) throw new Error(`answered ${status}`);
  },

  'within a tunnel': async (conversation) => {
    conversation.write(conversation.head('GET', '/', ['Connection: Upgrade', 'Upgrade: echo']));
    const { status } = await conversation.answerHead();
    if (status !== 101) throw new Error(`answered ${status}`);
    conversation.write(piece);
    await conversation.bytes(piece.length);
  },
};

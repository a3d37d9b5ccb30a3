// A channel server in the test's own process, and both ends of the channels that are dialled to it, each recording what
// it is told.
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import type { ChannelHandler, DescriptorChannel } from '../../native/channel.ts';
import { addonUnderTest } from './native-addon.ts';
import type { Scope } from './scope.ts';
import { tempDir } from './temp-dir.ts';
import { waitFor } from './wait-for.ts';

/** One end of a channel, and what it was told. */
export class ChannelEnd implements ChannelHandler {
  readonly channel: DescriptorChannel;
  readonly messages: string[] = [];
  readonly descriptors: number[] = [];
  readonly ends: (string | undefined)[] = [];
  onHeard: () => void = () => undefined;

  constructor(open: (handler: ChannelHandler) => DescriptorChannel) {
    this.channel = open(this);
  }

  onMessage(bytes: Uint8Array, descriptors: readonly number[]): void {
    this.messages.push(Buffer.from(bytes).toString());
    this.descriptors.push(...descriptors);
    this.onHeard();
  }

  onEnd(code: string | undefined): void {
    this.ends.push(code);
  }

  send(text: string, ...descriptors: number[]): boolean {
    return this.channel.send(Buffer.from(text), descriptors);
  }

  async heard(count: number): Promise<void> {
    await waitFor(() => this.messages.length >= count, {
      what: () => `${count} messages; heard ${this.messages.length}`,
    });
  }

  async ended(): Promise<void> {
    await waitFor(() => this.ends.length > 0, { what: 'the end of the channel' });
  }
}

export interface ChannelSite {
  readonly path: string;
  /** As they were taken up. */
  readonly taken: ChannelEnd[];
  dial(): Promise<[client: ChannelEnd, server: ChannelEnd]>;
  close(): void;
}

/** A server, whose channels and itself are closed with the test. */
export function serveChannels(t: Scope, path = join(tempDir(t), 'channel')): ChannelSite {
  const addon = addonUnderTest();
  const taken: ChannelEnd[] = [];
  const opened: ChannelEnd[] = [];
  const server = addon.openChannelServer(path, 0o600, (channel) => {
    const end = new ChannelEnd(() => channel);
    taken.push(end);
    return end;
  });
  const close = (): void => {
    server.close();
    for (const { channel, descriptors } of [...taken, ...opened]) {
      channel.close();
      for (const fd of descriptors.splice(0)) closeSync(fd);
    }
  };
  t.after(close);
  const dial = async (): Promise<[client: ChannelEnd, server: ChannelEnd]> => {
    const client = new ChannelEnd((handler) => addon.connectChannel(path, handler));
    opened.push(client);
    const count = opened.length;
    const end = await waitFor(() => taken[count - 1], { what: 'the server to take the channel up' });
    return [client, end];
  };
  return { path, taken, dial, close };
}

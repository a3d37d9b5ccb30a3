// From a complete, well-formed head of a worker's answer to what it means for the exchange it answers.
import { ConnectionOptions } from './connection-options.ts';
import { fieldIds } from './field-names.ts';
import type { FieldTable } from './field-table.ts';
import { noBody, readFraming, untilClose } from './framing.ts';
import type { Framing, ResponseHead } from './message.ts';
import type { StatusLine } from './status-line.ts';
import { readUpgrade } from './upgrade-rules.ts';

export interface Exchange {
  readonly isHead: boolean;
  /** The request asked to change the protocol. */
  readonly asksUpgrade: boolean;
}

export type ResponseFault = { readonly reason: string };

export class ResponseHeadReader {
  readonly #line: StatusLine;
  readonly #fields: FieldTable;
  readonly #options = new ConnectionOptions();

  constructor(line: StatusLine, fields: FieldTable) {
    this.#line = line;
    this.#fields = fields;
  }

  /** Judges the head that line and fields hold now. */
  read(exchange: Exchange): ResponseHead | ResponseFault {
    const { status, minorVersion } = this.#line;
    const fields = this.#fields;
    const claimed = readFraming(fields, minorVersion);
    if ('status' in claimed) return claimed;
    const fault = this.#options.read(fields);
    if (fault !== undefined) return { reason: fault };
    const upgrade = this.#readUpgrade(status, exchange);
    if (typeof upgrade === 'object') return upgrade;
    const framing = framingOf(status, exchange, claimed);
    const { close, keepAlive, nominated } = this.#options;
    if (this.#line.isCanonical) fields.keepStart(this.#line.length);
    return {
      status,
      reasonPhrase: this.#line.reasonPhrase(fields.section),
      minorVersion,
      fields,
      framing,
      keepAlive: !close && framing.kind !== 'until-close' && (minorVersion === 1 || keepAlive),
      upgrade,
      nominated,
    };
  }

  #readUpgrade(status: number, exchange: Exchange): string | undefined | ResponseFault {
    if (status !== 101) return undefined;
    if (!exchange.asksUpgrade) return { reason: 'status 101 to a request that asked for no upgrade' };
    if (this.#fields.linesOf(fieldIds.upgrade) === 0) return { reason: 'status 101 without Upgrade' };
    const upgrade = readUpgrade(this.#fields);
    return 'reason' in upgrade ? upgrade : upgrade.value;
  }
}

function framingOf(status: number, exchange: Exchange, claimed: Framing): Framing {
  if (exchange.isHead || status < 200 || status === 204 || status === 304) return noBody;
  return claimed.kind === 'none' ? untilClose : claimed;
}

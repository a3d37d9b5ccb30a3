// From a complete, well-formed head to what the request means: Host, target, framing, Expect, Upgrade, Connection.
// Decides only; holds the last authority and target, since many a client names the same ones every time.
import { hostOfAuthority } from './authority.ts';
import { equalsIgnoringCase } from './byte-classes.ts';
import { ConnectionOptions } from './connection-options.ts';
import { fieldIds } from './field-names.ts';
import type { FieldTable } from './field-table.ts';
import { readFraming } from './framing.ts';
import { LastText } from './last-text.ts';
import type { Framing, Refusal, RequestHead } from './message.ts';
import type { RequestLine } from './request-line.ts';
import { resolveTarget } from './request-target.ts';
import { readUpgrade } from './upgrade-rules.ts';

interface Authority {
  readonly authority: string;
  readonly host: string;
}

const noAuthority: Authority = { authority: '', host: '' };
const SLASH = 0x2f;

export class RequestHeadReader {
  readonly #line: RequestLine;
  readonly #fields: FieldTable;
  readonly #options = new ConnectionOptions();
  readonly #authorityText = new LastText();
  readonly #targetText = new LastText();
  #lastAuthority: Authority = noAuthority;

  constructor(line: RequestLine, fields: FieldTable) {
    this.#line = line;
    this.#fields = fields;
  }

  /** Judges the head that line and fields hold now. */
  read(): RequestHead | Refusal {
    const { method, minorVersion } = this.#line;
    const fields = this.#fields;
    const named = this.#readHost(minorVersion);
    if ('status' in named) return named;
    const framing = readFraming(fields, minorVersion);
    if ('status' in framing) return framing;
    const fault = this.#options.read(fields) ?? this.#faultOfExpect(minorVersion);
    if (fault !== undefined) return { status: 400, reason: fault };
    const upgrade = this.#readUpgrade(minorVersion, framing);
    if (typeof upgrade === 'object') return upgrade;
    const { target, authority, host } = this.#readTarget(method, named);
    if (host === undefined) return { status: 400, reason: target };
    return {
      method,
      target,
      authority,
      host,
      minorVersion,
      fields,
      framing,
      // Without a body to wait for there is nothing to announce.
      expectsContinue: fields.linesOf(fieldIds.expect) > 0 && hasBody(framing),
      upgrade,
      keepAlive: minorVersion === 1 ? !this.#options.close : this.#options.keepAlive && !this.#options.close,
      nominated: this.#options.nominated,
    };
  }

  #readHost(minorVersion: 0 | 1): Authority | Refusal {
    const fields = this.#fields;
    const lines = fields.linesOf(fieldIds.host);
    if (lines > 1) return { status: 400, reason: 'more than one Host' };
    if (lines === 0) return minorVersion === 0 ? noAuthority : { status: 400, reason: 'HTTP/1.1 request without Host' };
    const line = fields.firstLine(fieldIds.host);
    const authority = this.#authorityText.read(fields.section.view, fields.valueStart(line), fields.valueEnd(line));
    const last = this.#lastAuthority;
    if (last !== noAuthority && authority === last.authority) return last;
    const host = hostOfAuthority(authority);
    if (host === undefined) return { status: 400, reason: 'Host is not a valid host name with an optional port' };
    this.#lastAuthority = { authority, host };
    return this.#lastAuthority;
  }

  /** `host` is undefined where the target is refused, and `target` is then the reason. */
  #readTarget(method: string, named: Authority): { target: string; authority: string; host: string | undefined } {
    const line = this.#line;
    const { view, base } = this.#fields.section;
    const start = base + line.targetStart;
    const target = this.#targetText.read(view, start, base + line.targetEnd);
    if (view.bytes[start] === SLASH) {
      if (line.isCanonical) this.#fields.keepStart(line.length);
      return { target, authority: named.authority, host: named.host };
    }
    const resolved = resolveTarget(target, method);
    if ('reason' in resolved) return { target: resolved.reason, authority: '', host: undefined };
    if (resolved.authority === undefined) {
      return { target: resolved.target, authority: named.authority, host: named.host };
    }
    const host = hostOfAuthority(resolved.authority);
    if (host === undefined) return { target: 'the URL names no valid host', authority: '', host };
    if (named.authority === '') return { target: resolved.target, authority: resolved.authority, host };
    if (named.authority.toLowerCase() !== resolved.authority.toLowerCase()) {
      return { target: 'the URL and Host name different hosts', authority: '', host: undefined };
    }
    return { target: resolved.target, authority: named.authority, host };
  }

  #faultOfExpect(minorVersion: 0 | 1): string | undefined {
    const fields = this.#fields;
    const lines = fields.linesOf(fieldIds.expect);
    if (lines === 0) return undefined;
    if (minorVersion === 0) return 'Expect in an HTTP/1.0 request';
    const line = fields.firstLine(fieldIds.expect);
    const isContinue = equalsIgnoringCase(fields.bytes, fields.valueStart(line), fields.valueEnd(line), '100-continue');
    return lines === 1 && isContinue ? undefined : 'Expect other than 100-continue';
  }

  #readUpgrade(minorVersion: 0 | 1, framing: Framing): string | undefined | Refusal {
    if (this.#fields.linesOf(fieldIds.upgrade) === 0) return undefined;
    if (minorVersion === 0) return { status: 400, reason: 'Upgrade in an HTTP/1.0 request' };
    if (!this.#options.upgrade) return { status: 400, reason: 'Upgrade without Connection: upgrade' };
    if (hasBody(framing)) return { status: 400, reason: 'Upgrade in a request with a body' };
    const upgrade = readUpgrade(this.#fields);
    return 'reason' in upgrade ? { status: 400, reason: upgrade.reason } : upgrade.value;
  }
}

function hasBody(framing: Framing): boolean {
  return framing.kind === 'chunked' || (framing.kind === 'length' && framing.length > 0);
}

// The vocabulary of the HTTP/1.1 codec: what the parsers report and what the writers take. Pure, both directions.
// Byte ranges are of a Buffer that belongs to the transport and are valid only during the call that hands them over.
import type { Buffer } from 'node:buffer';
import type { ByteView } from './byte-view.ts';

/** How a message's body is delimited (RFC 9112 section 6). `until-close` occurs in responses only. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' };

/** Why a message is refused. `reason` is one plain sentence for the error page and the log. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/**
 * The field lines of a head or a trailer section, in the order they came. Names and values were checked byte by
 * byte: names are tokens; values hold no control character but HTAB and are stripped of surrounding blanks.
 * Those of a request's head are valid until the parser is given the next message, all others only during the call that
 * hands them over; what must outlive that is copied out by the getters.
 */
export interface Fields {
  readonly count: number;
  /** Which well-known field line `i` is (see field-names.ts), 0 for any other: policies decide by it without a string. */
  id(i: number): number;
  /** Lower-case name of line `i`. */
  name(i: number): string;
  /** Value of line `i`, as latin-1 text: one character per byte. */
  value(i: number): string;
  /** The value of the first line with that id, or undefined. */
  first(id: number): string | undefined;
  /** The first line with that id, or -1. */
  firstLine(id: number): number;
  /** How many lines have that id. */
  linesOf(id: number): number;
  /** Writes the start line as it came, where that is just how it is to be written; else does nothing and returns false. */
  copyStart(into: LineWriter): boolean;
  /** Writes line `i` as `Name: value` CRLF, the name spelled as it came, by copying bytes where that is possible. */
  copyLine(i: number, into: LineWriter): void;
  /** As copyLine, but with the name spelled like that. */
  copyLineAs(i: number, name: string, into: LineWriter): void;
  /** Writes the value of line `i` only. */
  copyValue(i: number, into: LineWriter): void;
}

/** What field lines are copied to: HeadWriter. The caller vouches that the bytes form whole, valid lines. */
export interface LineWriter {
  /** Appends source[start, end), which must stay as it is until the writer is read out. */
  raw(source: ByteView, start: number, end: number): void;
  /** Appends latin-1 text unchecked. */
  text(text: string): void;
}

export interface RequestHead {
  readonly method: string;
  /** Origin-form (`/path?query`, verbatim) or `*`. Absolute-form was rewritten to it. */
  readonly target: string;
  /** The Host as it came (or the authority of absolute-form), never empty; `''` for HTTP/1.0 without one. */
  readonly authority: string;
  /** For the route table: lower case, without port and trailing dot; IPv6 keeps its brackets. */
  readonly host: string;
  /** 1.minorVersion; anything above 1 is treated as 1. */
  readonly minorVersion: 0 | 1;
  readonly fields: Fields;
  readonly framing: Framing;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  /** Value of a valid Upgrade (with `Connection: upgrade`, no body, not h2c), such as `websocket`; else undefined. */
  readonly upgrade: string | undefined;
  /** False where the client, or HTTP/1.0, asks for the connection to close after this exchange. */
  readonly keepAlive: boolean;
  /** Lower-case names that Connection nominates as hop-by-hop, beyond the well-known ones; usually empty. */
  readonly nominated: readonly string[];
}

export interface ResponseHead {
  /** 100–999. 1xx heads are interim: another head follows on the same exchange (but after 101 the bytes are a tunnel's). */
  readonly status: number;
  /** As sent; may be empty. */
  readonly reasonPhrase: string;
  readonly minorVersion: 0 | 1;
  readonly fields: Fields;
  /** Already adjusted for HEAD, 1xx, 204 and 304, which have no body whatever they claim. */
  readonly framing: Framing;
  /** False where the worker will close after this exchange. */
  readonly keepAlive: boolean;
  /** For 101: the Upgrade value. */
  readonly upgrade: string | undefined;
  readonly nominated: readonly string[];
}

/** What a parser reports, in order: head, body ranges, trailers if any, end; or a refusal at any point. */
export interface MessageSink<Head> {
  onHead(head: Head): void;
  /** A range of body bytes, chunk framing removed. */
  onBody(bytes: Buffer, start: number, end: number): void;
  /** Called before onEnd, only if there were trailer lines. Framing, routing and hop-by-hop names were refused. */
  onTrailers(fields: Fields): void;
  onEnd(): void;
  /** The message is malformed or over a limit: nothing more will be reported and the connection must close. */
  onRefusal(refusal: Refusal): void;
}

/**
 * A push parser for one direction of one connection. It keeps an unfinished head, chunk-size line or trailer
 * section in a bounded buffer of its own; body bytes pass through uncopied.
 */
export interface MessageParser {
  /**
   * Feeds bytes[start, end) and returns the index it stopped at. It stops before `end` only when a message ended
   * (what follows belongs to the next one and is fed again later), after a refusal, or after `pause()`.
   */
  execute(bytes: Buffer, start: number, end: number): number;
  /** Bytes of the body that are still to come; 0 outside of one, and where only its end will tell. */
  readonly bodyLeft: number;
  /** So many bytes of the body went another way and are not fed; throws where they are not fewer than are left. */
  skipBody(bytes: number): void;
  /** The peer ended its direction: ends an `until-close` body, refuses an unfinished message, else does nothing. */
  finish(): void;
  /** Makes execute return after the callback that is running; the next execute goes on from there. */
  pause(): void;
  /** True between messages: no byte of the next one was seen (empty lines before a request do not count). */
  readonly isIdle: boolean;
}

export interface HeadLimits {
  /** Request line and fields together, in bytes. Beyond: 400 (the request line alone: 414). */
  readonly maxHeadBytes: number;
  /** Field lines. Beyond, in a head that is otherwise within bounds: 431. Trailers beyond either limit: 431. */
  readonly maxFields: number;
}

// Which fields of a client's request a worker gets to see, in whatever form it is told them. Pure.
// Whatever decides where a message ends, where it goes or who sent it is written anew and never passed on.
import { fieldIds, fieldIdCount } from '../http1/field-names.ts';
import type { HeadWriter } from '../http1/head-writer.ts';
import type { Fields, RequestHead } from '../http1/message.ts';
import { hopByHopIds } from './hop-by-hop.ts';

const passed = 0;
const dropped = 1;
/** Tells of the client as a proxy saw it: passed on from a trusted proxy, else dropped. */
const forwarded = 2;
/** None of the known names: its spelling decides. */
const unknown = 3;

const rules = new Uint8Array(fieldIdCount);
rules[fieldIds.other] = unknown;
for (const id of [
  ...hopByHopIds,
  fieldIds.host,
  fieldIds.expect,
  // `Proxy` becomes HTTP_PROXY in a CGI environment (httpoxy).
  fieldIds.proxy,
  fieldIds.xForwardedFor,
  fieldIds.xRequestId,
]) {
  rules[id] = dropped;
}
for (const id of [
  fieldIds.xForwardedProto,
  fieldIds.xForwardedHost,
  fieldIds.xForwardedPort,
  fieldIds.xRealIp,
  fieldIds.forwarded,
]) {
  rules[id] = forwarded;
}

/** Names that gateways cannot map to another name: in CGI `_`, `.` and `-` become the same character. */
export const unmistakableName = /^[a-z0-9-]+$/;

/**
 * Whether line `i`, whose id that is, reaches the worker; the answer is the same for all lines of a name. To be asked
 * together with isNominated, where `nominated` is not empty. `isTrusted`: the client is a proxy that is believed.
 */
export function isPassedOn(fields: Fields, i: number, id: number, isTrusted: boolean): boolean {
  const rule = rules[id];
  return (
    rule === passed || (rule === unknown ? isPassedName(fields.name(i), isTrusted) : rule === forwarded && isTrusted)
  );
}

/** Connection names the field of line `i`: it is for this connection only. */
export function isNominated({ fields, nominated }: RequestHead, i: number): boolean {
  return nominated.includes(fields.name(i));
}

/** Copies the lines that reach the worker, as they stand. `keepsTrailer`: trailers follow, so their announcement does too. */
export function copyPassedFields(
  writer: HeadWriter,
  { fields, nominated }: RequestHead,
  isTrusted: boolean,
  keepsTrailer: boolean,
): void {
  const { count } = fields;
  for (let i = 0; i < count; i++) {
    const id = fields.id(i);
    const rule = rules[id];
    // Written out: a call for each line would be seen in what a request costs.
    if (rule !== passed) {
      if (rule === unknown && !isPassedName(fields.name(i), isTrusted)) continue;
      if (rule === dropped && !(id === fieldIds.trailer && keepsTrailer)) continue;
      if (rule === forwarded && !isTrusted) continue;
    }
    if (nominated.length > 0 && nominated.includes(fields.name(i))) continue;
    writer.copy(fields, i);
  }
}

function isPassedName(name: string, isTrusted: boolean): boolean {
  return unmistakableName.test(name) && (isTrusted || !name.startsWith('x-forwarded-'));
}

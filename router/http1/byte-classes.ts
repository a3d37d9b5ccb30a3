// What each byte may be in HTTP/1.1, as tables indexed by the byte: the hot loops test one load instead of ranges.
// Indexing a Uint8Array below its length never yields undefined, hence the `as number` where the compiler cannot see it.

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;
export const DEL = 0x7f;

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';

/** tchar of RFC 9110 section 5.6.2: methods, field names, tokens. */
export const tokenBytes = tableOf((byte) => (`!#$%&'*+-.^_\`|~${digits}${letters}`.includes(charOf(byte)) ? 1 : 0));

/** Bytes a request-target may hold: visible ASCII but `#`, which never belongs on the wire (RFC 9112 section 3.2). */
export const targetBytes = tableOf((byte) => (byte > SP && byte < DEL && charOf(byte) !== '#' ? 1 : 0));

/** Bytes a field value or a reason phrase may hold: no control character but HTAB; obs-text passes as it is. */
export const valueBytes = tableOf((byte) => (byte === HTAB || (byte >= SP && byte !== DEL) ? 1 : 0));

/** ASCII lower case; other bytes stay themselves. */
const lowerBytes = tableOf((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));

/** The bytes of a lower-case field name as those of a CGI variable's. */
export const variableBytes = tableOf((byte) =>
  byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte === 0x2d ? 0x5f : byte,
);

/** The value of a hexadecimal digit, 255 for any other byte. */
export const hexValues = tableOf((byte) => {
  const value = '0123456789abcdef'.indexOf(charOf(byte).toLowerCase());
  return value === -1 ? 255 : value;
});

/** Whether bytes[start, end) is that lower-case ASCII text, whatever the case of the bytes. */
export function equalsIgnoringCase(bytes: Uint8Array, start: number, end: number, lowerText: string): boolean {
  if (end - start !== lowerText.length) return false;
  for (let i = 0; i < lowerText.length; i++) {
    if (lowerBytes[bytes[start + i] as number] !== lowerText.charCodeAt(i)) return false;
  }
  return true;
}

/** Whether bytes[start, end) is that latin-1 text, byte for byte. */
export function isText(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** `0x0a`: how a byte is named in a reason, which must never repeat what the peer sent. */
export function nameOfByte(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}

function tableOf(valueFor: (byte: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => valueFor(byte));
}

function charOf(byte: number): string {
  return String.fromCharCode(byte);
}

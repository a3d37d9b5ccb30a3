// Bytes of a config file to text: UTF-8 with or without BOM, any line ends, and nothing that is no text. Binary
// rubbish is refused here, in plain words, before a parser says something puzzling about it.
import { isUtf8 } from 'node:buffer';
import { problemAt, type Place, type Problem } from './problem.ts';

export type DecodedText =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: Problem };

/** Decodes a file's bytes. A BOM is dropped, so that columns are those an editor shows. */
export function decodeText(bytes: Buffer, file: string): DecodedText {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return refusal(file, null, 'the file is UTF-16 text, and only UTF-8 is read', 'save it as UTF-8');
  }
  const text = bytes.toString('utf8').replace(/^\u{feff}/u, '');
  const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.exec(text);
  if (control !== null) {
    const code = `0x${control[0].charCodeAt(0).toString(16).padStart(2, '0')}`;
    const message = `expected text, got a control character (byte ${code}): the file looks binary`;
    return refusal(file, placeOf(text, control.index), message, 'put a text file here, saved as UTF-8');
  }
  if (!isUtf8(bytes)) {
    // Node decodes each broken sequence as U+FFFD, so the first one marks the place.
    const place = placeOf(text, Math.max(0, text.indexOf('\u{fffd}')));
    return refusal(file, place, 'expected UTF-8 text, got bytes that are none', 'save the file as UTF-8');
  }
  return { ok: true, text };
}

/** The place of an offset (in UTF-16 units). Lines end with LF or CRLF. */
export function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}

/** The text of a 1-based line without its end; undefined where the text has no such line. */
export function lineOf(text: string, line: number): string | undefined {
  return text.split('\n')[line - 1]?.replace(/\r$/, '');
}

function refusal(file: string, place: Place | null, message: string, hint: string): DecodedText {
  return { ok: false, problem: problemAt(file, place, { message, hint }) };
}

// YAML text to a plain value with places, or to the first thing that is wrong with it. A hostile file costs
// bounded time and memory: the size is bounded by the reader, aliases and depth here.
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml';
import { messageOf } from '../../lib/errors.ts';
import type { ParseResult, Path } from './parse.ts';
import { fileProblem, problemAt, type Place } from './problem.ts';
import { checkYaml, isMergeKey, keyText } from './yaml-checks.ts';
import { explainYamlErrors, type YamlFault } from './yaml-errors.ts';

/** Parses one YAML document that is a map. Never throws. */
export function parseYaml(text: string, file: string): ParseResult {
  const lines = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const fail = (fault: YamlFault): ParseResult => ({
    ok: false,
    problems: [problemAt(file, place(fault.offset), fault)],
  });
  try {
    // Keys are compared by checkYaml: the parser's own comparison takes quadratic time.
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      merge: true,
      logLevel: 'error',
    });
    const fault = explainYamlErrors(document, text) ?? checkYaml(document);
    if (fault !== undefined) return fail(fault);
    const root = document.contents;
    if (root === null || (isScalar(root) && root.value === null)) return emptyFile(file);
    if (!isMap(root)) return fail(notAMap(root));
    // The number of aliases and what they expand to were bounded by checkYaml.
    const value = document.toJS({ maxAliasCount: -1 }) as Record<string, unknown>;
    const locate = (path: Path, part: 'key' | 'value'): Place => place(offsetOf(document, root, path, part));
    return {
      ok: true,
      parsed: { file, value, keyAt: (path) => locate(path, 'key'), valueAt: (path) => locate(path, 'value') },
    };
  } catch (error) {
    // A fault of the parser on some odd text; the file is refused and nothing else is harmed.
    return { ok: false, problems: [fileProblem(file, `the file could not be parsed: ${messageOf(error)}`)] };
  }
}

function emptyFile(file: string): ParseResult {
  const hint = 'write at least one key, such as app: ./server.js';
  return { ok: false, problems: [fileProblem(file, 'the file is empty: expected keys and values', hint)] };
}

function notAMap(root: Node): YamlFault {
  const found = isSeq(root) ? 'a list' : 'a single value';
  return {
    offset: root.range?.[0] ?? 0,
    message: `expected keys and values, got ${found}`,
    hint: isSeq(root)
      ? 'write key: value lines, without - before them'
      : 'write key: value lines, with a space after each colon',
  };
}

/** Follows a path through maps, merged maps, lists and aliases as far as it exists. */
function offsetOf(document: Document, root: Node, path: Path, part: 'key' | 'value'): number {
  let node: Node | undefined = root;
  let offsets = { key: root.range?.[0] ?? 0, value: root.range?.[0] ?? 0 };
  for (const segment of path) {
    const found: Found | undefined = node === undefined ? undefined : descend(document, node, segment);
    if (found === undefined) return offsets.value;
    node = found.node;
    offsets = found;
  }
  return offsets[part];
}

interface Found {
  readonly node: Node | undefined;
  readonly key: number;
  readonly value: number;
}

function descend(document: Document, from: Node, segment: PropertyKey): Found | undefined {
  const node = isAlias(from) ? from.resolve(document) : from;
  if (isSeq<Node>(node)) {
    const item = typeof segment === 'number' ? node.items[segment] : undefined;
    const offset = item?.range?.[0];
    return item === undefined || offset === undefined ? undefined : { node: item, key: offset, value: offset };
  }
  if (!isMap<Node, Node | null>(node)) return undefined;
  const own = node.items.find((pair) => !isMergeKey(pair.key) && keyText(pair.key) === String(segment));
  return own === undefined ? descendMerged(document, node, segment) : foundPair(own);
}

function descendMerged(document: Document, map: YAMLMap<Node, Node | null>, segment: PropertyKey): Found | undefined {
  const sources = map.items
    .filter((pair) => isMergeKey(pair.key))
    .flatMap(({ value }) => (isSeq<Node>(value) ? value.items : value === null ? [] : [value]));
  for (const source of sources) {
    const found = descend(document, source, segment);
    if (found !== undefined) return found;
  }
  return undefined;
}

function foundPair(pair: Pair<Node, Node | null>): Found {
  const key = pair.key.range?.[0] ?? 0;
  const value = pair.value;
  // `key:` with nothing behind it: the key is the only thing there is to point at.
  const isNothing = value === null || (isScalar(value) && value.value === null && (value.source ?? '') === '');
  return { node: value ?? undefined, key, value: isNothing ? key : (value.range?.[0] ?? key) };
}

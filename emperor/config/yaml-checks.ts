// What the YAML parser lets pass and a config file may not contain: doubled keys, keys that are no text, tags,
// unknown aliases, aliases that expand without bound, and nesting without end. One walk, in document order.
import { isAlias, isMap, isScalar, isSeq, type Alias, type Document, type Node, type YAMLMap } from 'yaml';
import type { YamlFault } from './yaml-errors.ts';

/** Values that a file may stand for once its aliases are expanded; a YAML bomb stands for billions. */
const maxExpanded = 20_000;
const maxAliases = 1000;
const maxDepth = 64;
const plainTags = new Set(
  ['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((tag) => `tag:yaml.org,2002:${tag}`),
);

/** The first fault of a document that parsed without error. */
export function checkYaml(document: Document): YamlFault | undefined {
  const walk: Walk = { anchors: new Map(), sizes: new Map(), aliases: 0, fault: undefined };
  if (document.contents !== null) measure(walk, document.contents, 0);
  return walk.fault;
}

/** Is it the `<<` of a merge? */
export function isMergeKey(key: Node): boolean {
  if (!isScalar(key) || (key.type !== undefined && key.type !== 'PLAIN')) return false;
  return key.value === '<<' || (typeof key.value === 'symbol' && key.value.description === '<<');
}

/** The name under which a key's value is found in the plain object; undefined for a key that is no scalar. */
export function keyText(key: Node): string | undefined {
  if (!isScalar(key)) return undefined;
  const { value } = key;
  if (value === null) return '';
  if (typeof value === 'symbol') return value.description ?? '';
  return typeof value === 'object' || typeof value === 'function' ? undefined : `${value as string | number | boolean}`;
}

interface Walk {
  readonly anchors: Map<string, Node>;
  /** What each anchored node expands to; missing while it is being measured. */
  readonly sizes: Map<Node, number>;
  aliases: number;
  fault: YamlFault | undefined;
}

/** How many values the node stands for, its aliases expanded. Stops at the first fault. */
function measure(walk: Walk, node: Node, depth: number): number {
  if (walk.fault !== undefined) return 0;
  if (isAlias(node)) return measureAlias(walk, node);
  if (node.anchor !== undefined) walk.anchors.set(node.anchor, node);
  if (depth > maxDepth) {
    return fail(walk, node, { message: `expected at most ${maxDepth} levels of nesting`, hint: 'flatten the file' });
  }
  if (node.tag !== undefined && !plainTags.has(node.tag)) {
    const tag = node.tag.replace('tag:yaml.org,2002:', '!!');
    return fail(walk, node, {
      message: `the tag ${tag} means nothing here`,
      hint: 'remove the tag, or quote the text',
    });
  }
  const size = 1 + measureChildren(walk, node, depth);
  if (node.anchor !== undefined) walk.sizes.set(node, size);
  if (size > maxExpanded && walk.aliases > 0) {
    const message = `the aliases in this file expand to more than ${maxExpanded} values`;
    return fail(walk, node, { message, hint: 'write the values out, or refer to fewer of them' });
  }
  return size;
}

function measureChildren(walk: Walk, node: Node, depth: number): number {
  let size = 0;
  if (isMap<Node, Node | null>(node)) {
    checkKeys(walk, node);
    for (const { key, value } of node.items) {
      size += measure(walk, key, depth + 1);
      if (value !== null) size += measure(walk, value, depth + 1);
    }
  } else if (isSeq<Node>(node)) {
    for (const item of node.items) size += measure(walk, item, depth + 1);
  }
  return size;
}

function measureAlias(walk: Walk, alias: Alias): number {
  const target = walk.anchors.get(alias.source);
  if (target === undefined) {
    // What users mean by an unquoted * is a wildcard.
    return fail(walk, alias, {
      message: `expected a value, got *${alias.source}, which YAML reads as a reference to an anchor that does not exist`,
      hint: `write it in quotes: "*${alias.source}"`,
    });
  }
  walk.aliases += 1;
  if (walk.aliases > maxAliases) {
    return fail(walk, alias, {
      message: `expected at most ${maxAliases} aliases in one file`,
      hint: 'write the values out',
    });
  }
  const size = walk.sizes.get(target);
  if (size !== undefined) return size;
  return fail(walk, alias, {
    message: `*${alias.source} refers to the value it is part of`,
    hint: 'write the value out',
  });
}

function checkKeys(walk: Walk, map: YAMLMap<Node, Node | null>): void {
  const seen = new Set<string>();
  for (const { key } of map.items) {
    const name = keyText(key);
    if (name === undefined) {
      fail(walk, key, { message: 'expected a key that is text', hint: 'write key: value' });
      return;
    }
    if (seen.has(name)) {
      const shown = isMergeKey(key) ? '<<' : name;
      const hint = isMergeKey(key) ? 'merge several maps as <<: [*one, *two]' : 'remove one of the two';
      fail(walk, key, { message: `the key "${shown}" stands here for the second time`, hint });
      return;
    }
    seen.add(name);
  }
}

function fail(walk: Walk, node: Node, fault: Omit<YamlFault, 'offset'>): number {
  walk.fault ??= { offset: node.range?.[0] ?? 0, ...fault };
  return 0;
}

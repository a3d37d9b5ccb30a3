// What all conversations over control.sock have in common: one JSON object a line (channel.ts), children dial in and say
// hello first, and everything is level-triggered: a message tells the whole present state of its subject, so a lost or
// doubled one does no harm. Who says what is in router-messages.ts and vassal-messages.ts.

/** Raised when a message changes its meaning; an emperor refuses children of another version by name. */
export const protocolVersion = 3;

type Kind = 'string' | 'number' | 'boolean' | 'array' | 'object' | 'nullable-object';

/** By type of message: its fields, and of what kind each is. */
export type Shapes = Readonly<Record<string, Readonly<Record<string, Kind>>>>;

/**
 * Checks the outer shape: both ends are of one build (protocolVersion), so this guards against strangers, not typos.
 * Returns the message, or a sentence where it is not of its shape.
 */
export function decode(message: unknown, shapes: Shapes): object | string {
  if (!isRecord(message)) return 'not an object';
  const type = message['type'];
  const shape = typeof type === 'string' && Object.hasOwn(shapes, type) ? shapes[type] : undefined;
  if (shape === undefined) return `unknown type ${JSON.stringify(type)}`;
  for (const [field, kind] of Object.entries(shape)) {
    if (kindOf(message[field], kind) !== kind) return `${String(type)}: ${field} is not of kind ${kind}`;
  }
  return message;
}

function kindOf(value: unknown, wanted: Kind): string {
  if (Array.isArray(value)) return 'array';
  if (wanted === 'nullable-object') return value === null || isRecord(value) ? wanted : typeof value;
  return value === null ? 'null' : typeof value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// The answers that we give ourselves, in place of an app: small, honest, and marked by X-Emperor-Error, so that nobody
// looks for the fault in the app. A router writes them, and a worker on a connection that was handed to it.
import { Buffer } from 'node:buffer';
import { STATUS_CODES } from 'node:http';
import { preferredForm, type PageForm } from './accepted-types.ts';

export interface ErrorPage {
  readonly status: number;
  /** The cause, in one word. */
  readonly code: string;
  /** One or two plain sentences. */
  readonly message: string;
  readonly requestId: string;
  /** Seconds; 0: the field is not sent. */
  readonly retryAfter: number;
  /** `name/generation` of the worker that was asked; undefined: the field is not sent. */
  readonly generation: string | undefined;
}

export interface PageRules {
  readonly accept: string | undefined;
  /** The answer to HEAD tells the length but has no body. */
  readonly isHead: boolean;
  readonly connection: 'close' | 'keep-alive' | undefined;
  readonly date: string;
}

/** The answer without what depends on the connection: its fields but for Date and Connection, and its body. */
export interface PageParts {
  /** `404 Not Found`. */
  readonly title: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

export function composeErrorPage(page: ErrorPage, accept: string | undefined): PageParts {
  const form = preferredForm(accept);
  const title = `${page.status} ${STATUS_CODES[page.status] ?? 'Error'}`;
  const body = Buffer.from(bodies[form](page, title));
  const optional: readonly (readonly [name: string, value: string | undefined])[] = [
    ['X-Emperor-Generation', page.generation],
    ['Retry-After', page.retryAfter > 0 ? String(page.retryAfter) : undefined],
    ['Allow', page.status === 405 ? 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' : undefined],
  ];
  const fields = [
    ['Content-Type', contentTypes[form]],
    ['Content-Length', String(body.length)],
    ['Cache-Control', 'no-store'],
    ['X-Content-Type-Options', 'nosniff'],
    ['X-Emperor-Error', page.code],
    ['X-Request-Id', page.requestId],
    ...optional.filter((field): field is [string, string] => field[1] !== undefined),
  ] as const;
  return { title, fields, body };
}

/** The whole answer, head and body, and how long the body is. */
export function renderErrorPage(
  page: ErrorPage,
  rules: PageRules,
): { readonly bytes: Buffer; readonly bodyBytes: number } {
  const { title, fields, body } = composeErrorPage(page, rules.accept);
  const head = [
    `HTTP/1.1 ${title}`,
    `Date: ${rules.date}`,
    ...fields.map(([name, value]) => `${name}: ${value}`),
    ...(rules.connection === undefined ? [] : [`Connection: ${rules.connection}`]),
  ];
  const bytes = Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1');
  if (rules.isHead) return { bytes, bodyBytes: 0 };
  return { bytes: Buffer.concat([bytes, body]), bodyBytes: body.length };
}

const contentTypes: Readonly<Record<PageForm, string>> = {
  json: 'application/json',
  html: 'text/html; charset=utf-8',
  text: 'text/plain; charset=utf-8',
};

const bodies: Readonly<Record<PageForm, (page: ErrorPage, title: string) => string>> = {
  json: ({ status, code, message, requestId }) =>
    `${JSON.stringify({ error: { status, code, message, requestId } })}\n`,
  html: ({ message, requestId }, title) =>
    `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:15vh auto;padding:0 1em}small{color:#777}</style>
<h1>${escape(title)}</h1><p>${escape(message)}</p><p><small>emperor &middot; request ${escape(requestId)}</small></p></html>
`,
  text: ({ message, requestId }, title) => `${title}\n\n${message}\n\nemperor, request ${requestId}\n`,
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

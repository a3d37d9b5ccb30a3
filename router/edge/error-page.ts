// The answers that the router gives itself: small, honest, and marked as its own by X-Emperor-Error, so that nobody
// looks for the fault in the app.
import { Buffer } from 'node:buffer';
import { STATUS_CODES } from 'node:http';
import { preferredForm, type PageForm } from '../core/accepted-types.ts';

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

/** The whole answer, head and body, and how long the body is. */
export function renderErrorPage(
  page: ErrorPage,
  rules: PageRules,
): { readonly bytes: Buffer; readonly bodyBytes: number } {
  const form = preferredForm(rules.accept);
  const title = `${page.status} ${STATUS_CODES[page.status] ?? 'Error'}`;
  const body = Buffer.from(bodies[form](page, title));
  const head = [
    `HTTP/1.1 ${title}`,
    `Date: ${rules.date}`,
    `Content-Type: ${contentTypes[form]}`,
    `Content-Length: ${body.length}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    `X-Emperor-Error: ${page.code}`,
    `X-Request-Id: ${page.requestId}`,
    ...(page.generation === undefined ? [] : [`X-Emperor-Generation: ${page.generation}`]),
    ...(page.retryAfter > 0 ? [`Retry-After: ${page.retryAfter}`] : []),
    ...(page.status === 405 ? ['Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'] : []),
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

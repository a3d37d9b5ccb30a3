// The look that the example apps share: one page without scripts, fonts or images from elsewhere.

const style = `
  :root { color-scheme: light dark; --accent: light-dark(#7a1f4b, #f0a6c8); }
  body { font: 1.05rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 12vh auto 4rem; padding: 0 1.5rem;
         color: light-dark(#24212b, #e9e6ee); background: light-dark(#fbf9f6, #17151c); }
  h1 { font-size: 2.6rem; line-height: 1.15; margin: 0 0 1rem; color: var(--accent); letter-spacing: -0.02em; }
  a { color: var(--accent); }
  code, output, pre { font-family: ui-monospace, monospace; font-size: 0.92em; }
  code { background: light-dark(#efe9e4, #272330); padding: 0.1em 0.35em; border-radius: 0.3em; }
  small, footer { color: light-dark(#6f6878, #9a93a6); }
  footer { margin-top: 3rem; border-top: 1px solid light-dark(#e2dbd5, #302b3a); padding-top: 0.8rem; font-size: 0.85rem; }
  input, button { font: inherit; padding: 0.45em 0.8em; border: 1px solid light-dark(#cfc6c0, #453f52); border-radius: 0.5em;
                  background: light-dark(#fff, #211e29); color: inherit; }
  button { background: var(--accent); color: light-dark(#fff, #24101a); border-color: transparent; cursor: pointer; }
  table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
  td { border-top: 1px solid light-dark(#e2dbd5, #302b3a); padding: 0.3em 0.8em 0.3em 0; vertical-align: top; overflow-wrap: anywhere; }
  td:first-child { white-space: nowrap; color: light-dark(#6f6878, #9a93a6); }
  .big { font-size: 3.4rem; font-variant-numeric: tabular-nums; }
  #log { list-style: none; padding: 0; min-height: 14rem; max-height: 45vh; overflow-y: auto; }
  #log b { color: var(--accent); margin-right: 0.5em; }
  form { display: flex; flex-wrap: wrap; gap: 0.5rem; } form .wide { flex: 1; }
`;

/** A whole HTML page. `title` is text; `body` is HTML, so whatever came from a visitor goes through escapeHtml first. */
export function page(title, body) {
  const generation = process.env.EMPEROR_GENERATION;
  const which = generation === undefined ? '' : `generation ${generation}, `;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
<h1>${escapeHtml(title)}</h1>
${body}
<footer>answered by ${which}process ${process.pid}</footer>
</html>
`;
}

export function escapeHtml(text) {
  const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return String(text).replace(/[&<>"']/g, (character) => entities[character]);
}

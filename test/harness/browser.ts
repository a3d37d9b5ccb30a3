// Debian's Chromium, driven as a visitor would use it. Without it the tests are skipped with the reason on a laptop,
// and fail under CI=true.
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import type { Scope } from './scope.ts';

const executablePath = process.env['EMPEROR_TEST_CHROMIUM'] ?? '/usr/bin/chromium';

/** For `{ skip }`: why pages cannot be looked at here. */
export const withoutBrowser: string | false =
  process.env['CI'] === 'true' || existsSync(executablePath) ? false : `there is no ${executablePath}`;

/** A headless browser that is closed with the test. It resolves *.localhost by itself and speaks to nobody else. */
export async function startBrowser(t: Scope): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath,
    args: [
      // Root has no sandbox to go into, and tests in CI run as root.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  t.after(() => browser.close());
  return browser;
}

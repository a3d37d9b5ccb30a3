// The example pages in a real browser: what a visitor sees of an edit and of a deploy.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { startBrowser, withoutBrowser } from '../harness/browser.ts';
import { serveExamples } from '../harness/examples.ts';

async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel('message', { exact: true }).fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

describe('in a browser', { skip: withoutBrowser }, () => {
  it('two visitors chat through the router, and go on after a deploy without touching anything', async (t) => {
    const emperor = await serveExamples(t, ['chat']);
    const browser = await startBrowser(t);
    const errors: string[] = [];
    const [ann, bob] = [await browser.newPage(), await browser.newPage()];
    for (const page of [ann, bob]) {
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(`http://chat.localhost:${emperor.port}/`);
    }
    const [first] = (await emperor.appIs('chat', 'running')).instances;
    for (const page of [ann, bob]) await page.getByText(`2 here, in process ${first?.workers[0]?.pid ?? 0}`).waitFor();
    await say(ann, 'hello Bob');
    await bob.getByText('hello Bob').waitFor();
    assert.equal((await emperor.command('reload', 'chat', '--wait')).code, 0);
    const second = (await emperor.generationIs('chat', 2)).instances.find(({ generation }) => generation === 2);
    for (const page of [ann, bob]) await page.getByText(`2 here, in process ${second?.workers[0]?.pid ?? 0}`).waitFor();
    await say(bob, 'still here');
    await ann.getByText('still here').waitFor();
    assert.deepEqual(errors, []);
  });

  it('an edited greeting is on the page after a reload', async (t) => {
    const emperor = await serveExamples(t, ['hello']);
    const page = await (await startBrowser(t)).newPage();
    await page.goto(`http://hello.localhost:${emperor.port}/`);
    await page.getByRole('heading', { name: 'Hello', exact: true }).waitFor();
    const edited = readFileSync(join(emperor.directory, 'hello.yaml'), 'utf8').replace(
      /GREETING: .*/,
      'GREETING: Servus',
    );
    emperor.write('hello.yaml', edited);
    await emperor.generationIs('hello', 2);
    await page.reload();
    await page.getByRole('heading', { name: 'Servus', exact: true }).waitFor();
  });
});

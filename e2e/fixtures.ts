/** What every end-to-end test starts from: the two origins with the tiny models on them, and ways to use Quern inside a page. */
import { test as base, type Page } from '@playwright/test';
import type * as Everything from '../engine/script-tag.ts';
import { pageUrl, startSite, type PageOptions, type Site } from './server.ts';
import { counter, layer, tinyModel } from './tiny-model.ts';

type Quern = typeof Everything;

declare global {
  /** Of the script tag. */
  var quern: Quern;
  /** The fields of the QuernError that a promise rejects with; throws if it does anything else. */
  var failureOf: (promise: Promise<unknown>) => Promise<Failure>;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly expected?: string;
  readonly got?: string;
  readonly hint?: string;
  readonly node?: string;
  readonly op?: string;
}

interface Fixtures {
  /** Opens a page that has the script tag, from the other origin unless told otherwise. */
  readonly open: (options?: PageOptions) => Promise<Page>;
}

export function installFailureOf(): void {
  globalThis.failureOf = (promise) => promise.then(
    () => { throw new Error('it should have failed'); },
    (error: unknown) => {
      if (!(error instanceof quern.QuernError)) throw error;
      // Undefined fields are left out on the way to the test.
      const { code, message, expected, got, hint, node, op } = error;
      return { code, message, expected, got, hint, node, op } as Failure;
    },
  );
}

export const test = base.extend<Fixtures, { readonly site: Site }>({
  site: [async ({ browserName: _ }, use) => {
    const site = await startSite();
    site.put('layer.onnx', tinyModel(layer));
    site.put('counter.onnx', tinyModel(counter));
    await use(site);
    await site.close();
  }, { scope: 'worker' }],
  open: async ({ page, site }, use) => {
    await use(async (options = {}) => {
      await page.addInitScript(installFailureOf);
      await page.goto(pageUrl(site, { scripts: [`${site.cdn}/dist/quern.global.js`], ...options }));
      return page;
    });
  },
});

export { expect } from '@playwright/test';

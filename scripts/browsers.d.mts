/** Types of browsers.mjs. */
export type OtherBrowser = 'firefox' | 'webkit';
export const otherBrowsers: readonly OtherBrowser[];
/** Throws where the browser is missing and cannot be installed. */
export function ensureBrowser(browser: OtherBrowser): void;

export interface BrowserPage {
  /** The value of an expression, awaited, as JSON carries it. Rejects with what the page threw, or when the browser ends. */
  evaluate(expression: string): Promise<unknown>;
  close(): Promise<void>;
}

export interface LaunchedBrowser {
  readonly gone: Promise<unknown>;
  open(url: string): Promise<BrowserPage>;
  close(): Promise<void>;
}

export function launch(browser: OtherBrowser, options?: { readonly sharedMemory?: boolean }): Promise<LaunchedBrowser>;

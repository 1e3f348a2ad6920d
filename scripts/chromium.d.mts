/** Types of chromium.mjs. */
export const chromiumFlags: readonly string[];
export function findChromium(): string | undefined;
export function launchOptions(extraFlags?: readonly string[]): {
  readonly executablePath?: string;
  readonly channel?: string;
  readonly args: string[];
};
export function ensureChromium(): Promise<void>;

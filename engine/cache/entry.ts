/**
 * The envelope of stored entries: format, version, checksum, time. Input and output: JSON values. What was not written by this version of
 * this code, or has changed since, opens as undefined; the next write replaces it.
 */
import { hashText } from '../../jit/hash.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

interface Entry {
  readonly format: 'quern';
  readonly version: number;
  /** Milliseconds since 1970 of the last write. */
  readonly at: number;
  readonly check: string;
  readonly text: string;
}

/** Raised with every change of what any entry holds. */
export const entryVersion = 2;

export function seal(value: unknown, at: number): Entry {
  const text = JSON.stringify(value);
  return { format: 'quern', version: entryVersion, at, check: hashText(`${entryVersion} ${text}`), text };
}

/** The value inside; undefined for anything that `seal` of this version did not make. */
export function open(stored: unknown): unknown {
  if (!isEntry(stored) || stored.version !== entryVersion || stored.check !== hashText(`${entryVersion} ${stored.text}`)) return undefined;
  try {
    return JSON.parse(stored.text) as unknown;
  } catch {
    return undefined;
  }
}

/** When an entry was written; 0 if it is none. */
export const writtenAt = (stored: unknown): number => (isEntry(stored) ? stored.at : 0);

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false;
  const { format, version, at, check, text } = value as Record<keyof Entry, unknown>;
  if (format !== 'quern' || typeof version !== 'number' || typeof at !== 'number') return false;
  return typeof check === 'string' && typeof text === 'string';
}

/**
 * Finds the entry that describes an operator at an opset version. Entries come from the *.op.ts files beside this one, collected by the
 * bundler: adding a file or an entry is all it takes to add an operator.
 */
import type { Operator } from './operator.ts';

// Only the entries are imported: a whole module as a value would keep all its exports in the bundle.
const families = import.meta.glob<readonly Operator[]>('./*.op.ts', { eager: true, import: 'operators' });

const entries = new Map<string, Operator[]>();
for (const family of Object.values(families)) {
  for (const entry of family) {
    const key = keyOf(entry.domain, entry.op);
    const versions = entries.get(key) ?? [];
    versions.push(entry);
    versions.sort((a, b) => b.since - a.since);
    entries.set(key, versions);
  }
}

function keyOf(domain: string, op: string): string {
  return `${domain === 'ai.onnx' ? '' : domain}:${op}`;
}

/** The entry with the greatest `since` that is not above `opset`. */
export function findOperator(domain: string, op: string, opset: number): Operator | undefined {
  return entries.get(keyOf(domain, op))?.find((entry) => entry.since <= opset);
}

/** Every entry, by domain, name and version: for support tables and for checks that no two entries claim the same version. */
export function allOperators(): readonly Operator[] {
  return [...entries.values()].flat().sort((a, b) =>
    a.domain.localeCompare(b.domain) || a.op.localeCompare(b.op) || a.since - b.since);
}

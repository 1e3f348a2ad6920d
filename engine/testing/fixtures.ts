/** The fixtures with their recorded outputs. Tests run each on every backend, from bytes to outputs. */
import { type Fixture, type RecordedTensor, fromRecord } from './fixture.ts';
import recorded from './outputs.json';
import { sources } from './sources.ts';

const outputs: Readonly<Record<string, readonly Readonly<Record<string, RecordedTensor>>[]>> = recorded;

export const fixtures: readonly Fixture[] = sources.map((source) => ({
  name: source.name,
  build: () => source.build(),
  cases: source.cases.map((given, i) => {
    const record = outputs[source.name]?.[i];
    if (record === undefined) throw new Error(`no outputs are recorded for case ${i} of ${source.name}: run record-outputs.mjs`);
    return { ...given, outputs: Object.fromEntries(Object.entries(record).map(([name, t]) => [name, fromRecord(t)])) };
  }),
}));

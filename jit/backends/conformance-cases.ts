/** All cases of the conformance suite, for whoever runs them: test files of backends, the fuzzer, which varies them, and the benchmark on GPUs. */
import { contractionCases } from './conformance-contractions.ts';
import { convolutionCases } from './conformance-convolutions.ts';
import { innerLoopCases } from './conformance-inner-loops.ts';
import { loopCases } from './conformance-loops.ts';
import { mapCases } from './conformance-maps.ts';
import { rowsCases } from './conformance-rows.ts';

export const caseGroups = {
  maps: mapCases, rows: rowsCases, contractions: contractionCases, convolutions: convolutionCases, loops: [...loopCases, ...innerLoopCases],
} as const;

export const allCases = Object.values(caseGroups).flat();

/** All fixtures, without outputs: what is recorded from. */
import type { FixtureSource } from './fixture.ts';
import { controlFlow, recurrent, shapeArithmetic } from './shape-fixtures.ts';
import { attention, embedding, kvCache, layerNormGelu, mlp, mlpHalf } from './text-fixtures.ts';
import { convNet, depthwise, nonMaxSuppression, quantised } from './vision-fixtures.ts';

export const sources: readonly FixtureSource[] = [
  mlp, mlpHalf, convNet, depthwise, layerNormGelu, attention, embedding, kvCache,
  shapeArithmetic, nonMaxSuppression, quantised, controlFlow, recurrent,
];

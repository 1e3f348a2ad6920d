/** The reference executor: the meaning of kernels, in plain TypeScript. */
export { makeReferenceDevice } from './device.ts';
export { type ReferenceOptions, dimsOf, extentOf, pointCount, pointsStoring, runKernel, samplePoints } from './run.ts';
export { type Accuracy, accuracyOf, contractionBound, gamma } from './accuracy.ts';
export { type Expected, expectedAt, hasFloats } from './bounds.ts';

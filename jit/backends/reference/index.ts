/** The reference executor: the meaning of kernels, in plain TypeScript. */
export { makeReferenceDevice } from './device.ts';
export { dimsOf, extentOf, pointCount, samplePoints } from './points.ts';
export { type ReferenceOptions, runKernel } from './run.ts';
export { type Accuracy, accuracyOf, contractionBound, gamma } from './accuracy.ts';
export { type Expected, expectedAt, hasFloats, pointsStoring } from './bounds.ts';

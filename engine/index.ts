/** The whole public API of Quern, and nothing else. */
export { load, support } from './session.ts';
export type { Session } from './session.ts';
export type { LoadOptions, RunOptions, SupportOptions, TuneOptions } from './options.ts';
export { QuernError } from './errors.ts';
export type { ErrorCode } from './errors.ts';
export type { Feed } from './feeds.ts';
export type { KernelReport, Report, SupportReport, TuneReport } from './report.ts';
export type { Progress, ValueInfo } from './runtime/model.ts';
export type { Source } from './source.ts';
export type { Tensor, TensorData, TensorInput } from './tensor.ts';
export type { DType } from '../jit/expr/dtype.ts';

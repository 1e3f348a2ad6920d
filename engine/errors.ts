/** The errors of the public API; see jit/error.ts, which holds them because compiler and kernels throw them too. */
export { QuernError, type ErrorCode } from '../jit/error.ts';

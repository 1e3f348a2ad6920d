/** The WebGPU backend's whole surface: a device, and its code generator for those who only want texts. */
export { type WebGpuCode, emitCode, spaceOf } from './code.ts';
export { type WebGpuOptions, createWebGpuDevice } from './device.ts';

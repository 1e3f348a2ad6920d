/** What bench/gpu.mjs bundles for Node: the suite on the GPU that the `webgpu` package finds. */
import { nodeGpu } from '../shaders/node-gpu.ts';
import { type Options, type Report, run } from './gpu-suite.ts';

export const main = async (options: Options, say: (line: string) => void): Promise<Report> => run(await nodeGpu(), options, say);

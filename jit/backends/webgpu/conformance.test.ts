import { conformance } from '../conformance.ts';
import { createWebGpuDevice } from './index.ts';
import { nodeGpu } from '../../../shaders/node-gpu.ts';

conformance('webgpu', async () => createWebGpuDevice({ gpu: await nodeGpu() }));

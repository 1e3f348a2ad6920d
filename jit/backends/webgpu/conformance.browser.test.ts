import { conformance } from '../conformance.ts';
import { createWebGpuDevice } from './index.ts';

conformance('webgpu', () => createWebGpuDevice());

/**
 * WebGPU in plain Node for tests and benchmarks, through the `webgpu` package (Dawn, as in Chromium). Without a GPU it runs on the
 * SwiftShader that Debian's chromium brings; the Vulkan loader is told where that is unless somebody already chose a driver.
 */
import { existsSync } from 'node:fs';

const swiftshader = ['/usr/lib/chromium/vk_swiftshader_icd.json', '/usr/lib/chromium-browser/vk_swiftshader_icd.json'];

let made: Promise<GPU> | undefined;

/** The one GPU object of this process; its constants (GPUBufferUsage and so on) become globals as they are in a browser. */
export function nodeGpu(): Promise<GPU> {
  made ??= load();
  return made;
}

async function load(): Promise<GPU> {
  const chosen = process.env['VK_DRIVER_FILES'] ?? process.env['VK_ICD_FILENAMES'] ?? process.env['QUERN_GPU'];
  const software = swiftshader.find((path) => existsSync(path));
  if (chosen === undefined && software !== undefined) process.env['VK_DRIVER_FILES'] = software;
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  return create(['enable-dawn-features=allow_unsafe_apis']);
}

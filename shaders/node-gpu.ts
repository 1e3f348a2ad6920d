/**
 * WebGPU in plain Node for tests and benchmarks, through the `webgpu` package (Dawn, as in Chromium): a hardware GPU where the Vulkan
 * loader finds one that Dawn takes, else the SwiftShader that Debian's chromium brings. VK_DRIVER_FILES overrides both.
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
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  // Timestamps of full resolution are one of Dawn's unsafe features.
  const open = (): GPU => create(['enable-dawn-features=allow_unsafe_apis']);
  const gpu = open();
  if (await gpu.requestAdapter() !== null) return gpu;
  const software = swiftshader.find((path) => existsSync(path));
  if (software === undefined || process.env['VK_DRIVER_FILES'] !== undefined) return gpu;
  // The loader reads this when an instance is made, so a second one finds the driver.
  process.env['VK_DRIVER_FILES'] = software;
  return open();
}

/** Bundles an entry with Vite for Node 20, which runs no TypeScript: into `folder`, as `name`; packages stay outside. Gives the file's path. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, loadConfigFromFile } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

/** A folder for bundles has this prefix: below the root, so that they find the packages they leave out. */
export const bundlePrefix = (what) => join(root, 'node_modules', `.${what}-`);

export async function bundle(input, folder, name, format = 'es') {
  const loaded = await loadConfigFromFile({ command: 'serve', mode: 'development' }, join(root, 'vite.config.ts'));
  const plugins = loaded?.config.plugins?.flat().filter((p) => p && 'name' in p && p.name === 'quern-shaders') ?? [];
  await build({
    root, configFile: false, plugins, logLevel: 'error', define: { 'import.meta.env.DEV': 'true' },
    build: {
      outDir: folder, emptyOutDir: false, target: 'es2022', minify: false, ssr: true,
      rollupOptions: { input: join(root, input), output: { format, entryFileNames: name } },
    },
  });
  return join(folder, name);
}

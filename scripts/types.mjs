/**
 * The declarations that the package ships, one readable file for each way in: dist/quern.d.ts holds the whole API, the others
 * import it. Run by `npm run build`.
 */
import { writeFileSync } from 'node:fs';
import { rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';

const entries = { quern: 'engine/index.ts', ort: 'engine/ort.ts', react: 'react/entry.ts' };

/** As in the scripts, the API stays in one file: a class with private parts that is declared twice is two types. */
const engineOutside = {
  name: 'quern-engine-outside',
  resolveId: {
    order: 'pre',
    handler: (source, importer) => (importer !== undefined && /(^|\/)index\.ts$/.test(source) ? { id: './quern.js', external: 'relative' } : undefined),
  },
};

const scriptTag = `/**
 * The global of the script tag, for pages written in TypeScript: "types": ["quern/global"] in tsconfig.json, or
 * /// <reference types="quern/global" />. Its types are those of the module: import type { Session } from 'quern'.
 */
import type * as api from './quern.js';
import type * as ort from './ort.js';

declare global {
  var quern: typeof api & { readonly ort: typeof ort };
}
`;

export async function writeTypes(folder) {
  for (const [name, entry] of Object.entries(entries)) {
    const bundle = await rolldown({
      input: { [name]: entry },
      plugins: [engineOutside, dts({ emitDtsOnly: true, tsconfig: 'tsconfig.json' })],
      external: ['react', 'comlink'],
    });
    const { output } = await bundle.write({ dir: folder, format: 'es' });
    await bundle.close();
    if (output.length !== 1) throw new Error(`the types of ${entry} must be one file, but got ${output.map((o) => o.fileName).join(', ')}`);
  }
  writeFileSync(`${folder}/quern.global.d.ts`, scriptTag);
  writeFileSync(`${folder}/quern.worker.d.ts`, '/** A classic script for `workerUrl`; it has no names to import. */\nexport {};\n');
}

/** The script tag's entry: everything of the public API, and the drop-in for onnxruntime-web, in the global `quern`. */
export * from './index.ts';
export * as ort from './ort.ts';

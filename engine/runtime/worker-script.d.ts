/** The worker's script, built from engine/runtime/worker.ts by the plugin in vite.config.ts, as the parts of a Blob. */
declare module 'virtual:quern-worker' {
  const script: readonly string[];
  export default script;
}

/** The script of helper threads likewise, built from engine/runtime/thread.ts. */
declare module 'virtual:quern-thread' {
  const script: readonly string[];
  export default script;
}

/** A hash of the engine's sources: what an engine stores that another one must not take for its own is stored under it. */
declare module 'virtual:quern-build' {
  const build: string;
  export default build;
}

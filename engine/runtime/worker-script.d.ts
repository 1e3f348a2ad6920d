/** The worker's script as text, built from engine/runtime/worker.ts by the plugin in vite.config.ts. */
declare module 'virtual:quern-worker' {
  const script: string;
  export default script;
}

/** The script of helper threads as text, built from engine/runtime/thread.ts. */
declare module 'virtual:quern-thread' {
  const script: string;
  export default script;
}

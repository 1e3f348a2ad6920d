/** The worker's script as text, built from engine/runtime/worker.ts by the plugin in vite.config.ts. */
declare module 'virtual:quern-worker' {
  const script: string;
  export default script;
}

/**
 * Threads on hosts without the isolation headers: registers public/isolate.js, which adds them, and loads the page once more under it. At most
 * one reload in a tab: where it does not help (a private window, a policy) the page runs on one thread and says so.
 */
const mark = 'quern-isolation-tried';

/** Resolves when the page should go on; never, if it is about to be loaded again. */
export async function isolate(): Promise<void> {
  if (crossOriginIsolated || !isSecureContext || !('serviceWorker' in navigator)) return;
  try {
    if (sessionStorage.getItem(mark) !== null) return;
    sessionStorage.setItem(mark, '1');
    await navigator.serviceWorker.register(new URL('isolate.js', document.baseURI));
    await navigator.serviceWorker.ready;
  } catch {
    return;
  }
  location.reload();
  await new Promise(() => undefined);
}

/**
 * A service worker that makes the page cross-origin isolated on hosts whose headers cannot be set: it answers the page's own requests with the
 * two headers added, so that shared memory, and with it threads, are there. demo/isolate.ts registers it where they are missing.
 */
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', (event) => {
  // Other origins answer for themselves; a range of a file cannot be wrapped without losing its status.
  if (new URL(event.request.url).origin !== self.location.origin || event.request.headers.has('range')) return;
  event.respondWith(
    fetch(event.request).then((response) => {
      if (response.status === 0) return response;
      const headers = new Headers(response.headers);
      headers.set('Cross-Origin-Opener-Policy', 'same-origin');
      headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
      headers.set('Cross-Origin-Resource-Policy', 'same-origin');
      return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
    }),
  );
});

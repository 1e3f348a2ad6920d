/** Headers that make pages cross-origin isolated: without them all works, on one thread. */
const headers = [
  { key: 'Cross-Origin-Opener-Policy', value: 'same-origin' },
  { key: 'Cross-Origin-Embedder-Policy', value: 'require-corp' },
];

export default { headers: () => [{ source: '/:path*', headers }] };

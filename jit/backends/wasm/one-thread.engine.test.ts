/** The conformance suite in Firefox and WebKitGTK on one thread and in the class without fused multiply-add, which WebKit alone has. */
import { conformance } from '../conformance.ts';
import { createWasmDevice } from './device.ts';

conformance('wasm in the browser, one thread, mul+add', () => createWasmDevice({ threads: 1, maxBytes: 2 ** 28, fma: false }));

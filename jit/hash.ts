/**
 * Hashes of texts, for keys: 64 bits in 16 hex digits, well mixed, the same on every machine. Not cryptographic: keys find records, they do
 * not prove anything, and what is found is validated.
 */

/** FNV-1a steps over UTF-16 units in two 32-bit lanes with different multipliers, each finished by the mixer of MurmurHash3. */
function lanesOfText(text: string): readonly [low: number, high: number] {
  let [low, high] = [0x811c9dc5, 0x9747b28c];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x5bd1e995) + (low >>> 15);
  }
  return [low, high];
}

export function hashText(text: string): string {
  const [low, high] = lanesOfText(text);
  const a = mix(low ^ text.length);
  const b = mix(high ^ a);
  return hex(b) + hex(mix(a ^ b));
}

/** Of bytes, by words of 32 bits. Each step is one to one in the word and in what came before, and carries every bit to others. */
export function hashBytes(bytes: Uint8Array): string {
  const count = bytes.length >> 2;
  const even = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const words = new Int32Array(even.buffer, even.byteOffset, count);
  let rest = 0;
  for (let i = count * 4; i < bytes.length; i++) rest = (rest << 8) | (bytes[i] ?? 0);
  let [low, high] = [0x811c9dc5, 0x9747b28c];
  for (let i = 0; i <= count; i++) {
    const word = words[i] ?? rest;
    low ^= word;
    low = Math.imul((low << 15) | (low >>> 17), 0x1b873593);
    high ^= word;
    high = Math.imul((high << 13) | (high >>> 19), 0xcc9e2d51);
  }
  const a = mix(low ^ bytes.length);
  const b = mix(high ^ a);
  return hex(b) + hex(mix(a ^ b));
}

function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');

/** 53 bits as a number: for ordering and comparing, where a string would be waste. */
export function hashNumber(text: string): number {
  const [low, high] = lanesOfText(text);
  const a = mix(low ^ text.length);
  return (mix(high ^ a) >>> 0) * 2 ** 21 + (mix(a ^ high) >>> 11);
}

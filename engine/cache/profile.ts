/** Device profiles as they come out of storage: structured data of any origin becomes a profile, or undefined. */
import type { DeviceProfile } from '../../jit/device.ts';

export function parseProfile(value: unknown): DeviceProfile | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const {
    kind, fingerprint, threads, fma, panel, vectorRegisters, lanes = 4, splat = 1, features, limits, peakFlops, peakBytes,
  } = value as Record<keyof DeviceProfile, unknown>;
  if (kind !== 'wasm' && kind !== 'webgpu' && kind !== 'reference') return undefined;
  if (typeof fingerprint !== 'string' || typeof fma !== 'boolean') return undefined;
  if (!isCount(threads) || !isCount(panel) || !isCount(vectorRegisters) || !isCount(lanes) || !isAmount(splat)) return undefined;
  // Layouts that emitters know; anything else did not come from a probe.
  if (![0, 4, 8, 16].includes(panel)) return undefined;
  if (!isAmount(peakFlops) || !isAmount(peakBytes)) return undefined;
  if (!Array.isArray(features) || !features.every((f) => typeof f === 'string')) return undefined;
  if (typeof limits !== 'object' || limits === null || !Object.values(limits).every(isAmount)) return undefined;
  const named = limits as Record<string, number>;
  return { kind, fingerprint, threads, fma, panel, vectorRegisters, lanes, splat, features, limits: named, peakFlops, peakBytes };
}

const isAmount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isCount = (value: unknown): value is number => isAmount(value) && Number.isInteger(value);

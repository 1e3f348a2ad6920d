/**
 * The memory plan of a segment: where each short-lived tensor goes. Two tensors may share bytes if no step needs both. Offsets are found
 * greedily, largest first, lowest free place: within a few percent of the lower bound on real graphs (the classic result for
 * dynamic storage allocation, as in TensorFlow Lite's planner). Devices whose writes need regions of their own get whole regions, reused.
 */

export interface Request {
  readonly id: number;
  readonly bytes: number;
  /** First and last step that touch the tensor. */
  readonly first: number;
  readonly last: number;
}

export interface Offsets {
  readonly total: number;
  readonly at: ReadonlyMap<number, number>;
}

const overlaps = (a: Request, b: Request): boolean => a.first <= b.last && b.first <= a.last;

/** Offsets in one region, multiples of `alignment`. */
export function packOffsets(requests: readonly Request[], alignment: number): Offsets {
  const round = (n: number): number => Math.ceil(n / alignment) * alignment;
  const placed: { request: Request; at: number; end: number }[] = [];
  const at = new Map<number, number>();
  let total = 0;
  for (const request of [...requests].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    const size = round(Math.max(1, request.bytes));
    const inWay = placed.filter((p) => overlaps(p.request, request)).sort((a, b) => a.at - b.at);
    let offset = 0;
    for (const p of inWay) {
      if (p.at - offset >= size) break;
      offset = Math.max(offset, p.end);
    }
    placed.push({ request, at: offset, end: offset + size });
    at.set(request.id, offset);
    total = Math.max(total, offset + size);
  }
  return { total, at };
}

export interface Regions {
  /** Bytes of each region. */
  readonly sizes: readonly number[];
  readonly region: ReadonlyMap<number, number>;
}

/** Whole regions: each request gets a free one, the closest in size, which grows if it must. */
export function packRegions(requests: readonly Request[]): Regions {
  const sizes: number[] = [];
  const tenants: Request[][] = [];
  const region = new Map<number, number>();
  for (const request of [...requests].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    let best: number | undefined;
    tenants.forEach((list, i) => {
      if (list.some((r) => overlaps(r, request))) return;
      if (best === undefined || Math.abs((sizes[i] ?? 0) - request.bytes) < Math.abs((sizes[best] ?? 0) - request.bytes)) best = i;
    });
    if (best === undefined) {
      best = tenants.length;
      tenants.push([]);
      sizes.push(0);
    }
    tenants[best]?.push(request);
    sizes[best] = Math.max(sizes[best] ?? 0, request.bytes);
    region.set(request.id, best);
  }
  return { sizes, region };
}

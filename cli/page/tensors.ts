/** Tensors of files, by URL: TensorProto (.pb) and NumPy (.npy). */
import { decodeTensor } from '../../engine/load/tensor-proto.ts';
import type { HostTensor } from './compare.ts';
import { decodeNpy } from './npy.ts';

/** The name is empty where the file does not say one. */
export async function fetchTensor(url: string): Promise<{ readonly name: string; readonly tensor: HostTensor }> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP ${String(response.status)}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (new URL(url, location.href).pathname.endsWith('.npy')) return { name: '', tensor: decodeNpy(bytes) };
  const { name, dtype, dims, data } = decodeTensor(bytes);
  return { name, tensor: { dtype, dims, data } };
}

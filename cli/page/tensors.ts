/** Tensors of files, by URL: TensorProto (.pb) and NumPy (.npy) are read, the latter written. */
import { decodeTensor } from '../../engine/load/tensor-proto.ts';
import type { HostTensor } from './compare.ts';
import { decodeNpy, encodeNpy, fileName } from './npy.ts';

/** The name is empty where the file does not say one. */
export async function fetchTensor(url: string): Promise<{ readonly name: string; readonly tensor: HostTensor }> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP ${String(response.status)}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (new URL(url, location.href).pathname.endsWith('.npy')) return { name: '', tensor: decodeNpy(bytes) };
  const { name, dtype, dims, data } = decodeTensor(bytes);
  return { name, tensor: { dtype, dims, data } };
}

/** Posts each tensor to `sink`/NAME.npy; answers with the names. */
export async function postTensors(sink: string, tensors: Readonly<Record<string, HostTensor>>): Promise<string[]> {
  for (const [name, tensor] of Object.entries(tensors)) {
    const response = await fetch(`${sink}/${encodeURIComponent(fileName(name))}.npy`, { method: 'POST', body: encodeNpy(tensor) });
    if (!response.ok) throw new Error(`output '${name}' could not be written: HTTP ${String(response.status)}`);
  }
  return Object.keys(tensors);
}

/**
 * Typed values as plain JSON and back, by a description of their type. Reading takes nothing on trust: what does not fit the description throws
 * `Malformed`, and no field comes through that the description does not name. Records are lists of their fields in the order of the
 * description, so that a stored plan is small and quick to read; whoever changes a description raises a version.
 */
import type { Json } from './entry.ts';

export class Malformed extends Error {}

export interface Codec<T> {
  write(value: T): Json;
  read(data: Json): T;
}

export function require(right: boolean): asserts right {
  if (!right) throw new Malformed('stored data has another form than it should');
}

function plain<T extends Json>(is: (data: Json) => data is T): Codec<T> {
  return {
    write: (value) => value,
    read: (data) => {
      require(is(data));
      return data;
    },
  };
}

export const number = plain((data) => typeof data === 'number');
export const text = plain((data) => typeof data === 'string');
export const flag = plain((data) => typeof data === 'boolean');
export const anything: Codec<Json> = { write: (value) => value, read: (data) => data };

export const oneOf = <T extends string>(all: readonly T[]): Codec<T> => plain((data): data is T => all.includes(data as T));

const isList = (data: Json): data is readonly Json[] => Array.isArray(data);

export const list = <T>(of: Codec<T>): Codec<readonly T[]> => ({
  write: (values) => values.map((v) => of.write(v)),
  read: (data) => {
    require(isList(data));
    return data.map((d) => of.read(d));
  },
});

/** What may be left out of a record. */
export const optional = <T>(of: Codec<T>): Codec<T | undefined> => ({
  write: (value) => (value === undefined ? null : of.write(value)),
  read: (data) => (data === null ? undefined : of.read(data)),
});

export type Fields<T> = { readonly [K in keyof T]-?: Codec<T[K]> };

export function record<T extends object>(fields: Fields<T>): Codec<T> {
  const all = Object.entries(fields) as [keyof T, Codec<T[keyof T]>][];
  return {
    write: (value) => all.map(([key, of]) => of.write(value[key])),
    read: (data) => {
      require(isList(data) && data.length === all.length);
      const made: Partial<T> = {};
      all.forEach(([key, of], i) => {
        const value = of.read(data[i] ?? null);
        if (value !== undefined) made[key] = value;
      });
      return made as T;
    },
  };
}

/** Records told apart by the text in one of their fields. */
export function variant<D extends string, T extends Readonly<Record<D, string>>>(
  tag: D, forms: { readonly [K in T[D]]: Fields<Omit<Extract<T, Readonly<Record<D, K>>>, D>> },
): Codec<T> {
  const known = new Map(Object.entries<Fields<object>>(forms).map(([name, fields]) => [name, record(fields)]));
  const form = (name: Json | undefined): Codec<object> => {
    const found = typeof name === 'string' ? known.get(name) : undefined;
    require(found !== undefined);
    return found;
  };
  return {
    write: (value) => [value[tag], form(value[tag]).write(value)],
    read: (data) => {
      require(isList(data));
      return { [tag]: data[0], ...form(data[0]).read(data[1] ?? null) } as T;
    },
  };
}

/** Values that occur more than once, by number: equal ones are one object again when they are read. A row may name earlier rows only. */
export function table<T>(of: (self: Codec<T>) => Codec<T>, rows: Json[] = []): Codec<T> & { readonly rows: readonly Json[] } {
  const numbers = new Map<T, number>();
  const values = new Map<number, T>();
  let most = Infinity;
  const self: Codec<T> & { readonly rows: readonly Json[] } = {
    rows,
    write: (value) => {
      let at = numbers.get(value);
      if (at === undefined) {
        const row = row_.write(value);
        at = rows.push(row) - 1;
        numbers.set(value, at);
      }
      return at;
    },
    read: (data) => {
      require(typeof data === 'number' && data < most);
      const known = values.get(data);
      if (known !== undefined) return known;
      const row = rows[data];
      require(row !== undefined);
      const before = most;
      most = data;
      const made = row_.read(row);
      most = before;
      values.set(data, made);
      return made;
    },
  };
  const row_ = of(self);
  return self;
}

import { parseSync } from 'vite';
import { describe, expect, it } from 'vitest';
import { withPlainVariables } from './plain-variables.ts';

const plain = (code: string): string => withPlainVariables(code, parseSync('code.ts', code).program).toString();

describe('plain variables', () => {
  it('stand for a list that is taken apart', () => expect(plain('const [a, b] = [f(), g()];')).toBe('const a = f(), b = g();'));
  it('stand in a loop', () => expect(plain('for (let [i, n] = [0, 9]; i < n; i++) f(i);')).toBe('for (let i = 0, n = 9; i < n; i++) f(i);'));
  it('stand for a list inside of another\'s value', () =>
    expect(plain('const [a, b] = [() => { const [c, d] = [1, 2]; return c + d; }, 3];')).toBe('const a = () => { const c = 1, d = 2; return c + d; }, b = 3;'));
  it('keep the last of several values', () => expect(plain('const [a, b] = [(f(), 1), 2];')).toBe('const a = (f(), 1), b = 2;'));

  it.each([
    'const [a, b] = f();', 'const [a] = [f(), g()];', 'const [a, b] = [...f(), 1];', 'const [a = 1, b] = [f(), 2];', 'const [, b] = [f(), 2];',
    '[a, b] = [b, a];', 'var [a, b] = [b, a];',
  ])('leave alone: %s', (code) => expect(plain(code)).toBe(code));
});

/** The command line's grammar: what is accepted, and that what is not accepted says so. */
import { describe, expect, it } from 'vitest';
import { help, number, pairs, parseArguments, verbs, type Verb } from './options.ts';

const parse = (line: string) => parseArguments(line.split(' '));

describe('arguments', () => {
  it('reads operands, values and flags in any order', () => {
    const args = parse('bench a.onnx --runs 5 b.onnx --profile --against=ort-web,ort-node');
    expect(args.operands).toEqual(['a.onnx', 'b.onnx']);
    expect(number(args, 'runs')).toBe(5);
    expect(args.flags.has('profile')).toBe(true);
    expect(args.values.get('against')).toEqual(['ort-web,ort-node']);
  });

  it('collects repeated NAME=VALUE options, with = inside a value kept', () => {
    expect(pairs(parse('run m.onnx --dim batch=2 --dim seq=128'), 'dim')).toEqual({ batch: '2', seq: '128' });
    expect(pairs(parse('run m.onnx --input x=a=b.npy'), 'input')).toEqual({ x: 'a=b.npy' });
  });

  it.each([
    ['fly m.onnx', "there is no verb 'fly'"],
    ['run m.onnx --thread 2', "'run' has no option '--thread'"],
    ['run m.onnx --constructor x', "'run' has no option '--constructor'"],
    ['verify a --runs 3', "'verify' has no option '--runs'"],
    ['run m.onnx --threads 0', "'--threads' has the value '0', expected a whole number above 0"],
    ['run m.onnx --device gpu', "'--device' has the value 'gpu', expected auto or webgpu or wasm"],
    ['verify a --browser opera', "'--browser' has the value 'opera', expected chromium or firefox or webkit"],
    ['run m.onnx --device wasm --device webgpu', "'--device' is given twice"],
    ['run m.onnx --input x.npy', "'--input' has the value 'x.npy', expected NAME=FILE.pb or NAME=FILE.npy"],
    ['verify a --rtol -1', "'--rtol' has the value '-1', expected a number of 0 or more"],
    ['bench a --against tf', "'--against' has the value 'tf', expected ort-web or ort-node"],
    ['bench a --profile=1', "'--profile' takes no value"],
    ['bench a --runs', "'--runs' needs a value: N"],
    ['run a b', "'run' takes one MODEL, got a b"],
    ['tune a', "'tune' needs '--out FILE'"],
    ['inspect', "'inspect' needs MODEL"],
  ])('%s is refused: %s', (line, message) => {
    expect(() => parse(line)).toThrow(message);
  });

  it.each(Object.keys(verbs) as Verb[])('help of %s names every option it takes', (verb) => {
    for (const name of Object.keys(verbs[verb].options)) expect(help(verb)).toContain(`--${name}`);
  });
});

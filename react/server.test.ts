import { createElement, Suspense, type ReactNode } from 'react';
import { renderToString } from 'react-dom/server';
import { expect, it } from 'vitest';
import { useInference, useModel, useSuspenseModel } from './entry.ts';

const show = (component: () => ReactNode): string => renderToString(createElement(component));

it('there is no window here', () => {
  expect([typeof window, typeof document]).toEqual(['undefined', 'undefined']);
});

it('a model is loading on the server', () => {
  expect(show(() => useModel('/m.onnx').status)).toBe('loading');
});

it('a model without a source is idle on the server', () => {
  expect(show(() => useModel(undefined).status)).toBe('idle');
});

it('nothing runs on the server', () => {
  const feeds = (): never => { throw new Error('feeds were made'); };
  expect(show(() => useInference(useModel('/m.onnx'), feeds, { key: 1 }).status)).toBe('idle');
});

it('a suspending model leaves the fallback to the browser', () => {
  const Model = (): ReactNode => useSuspenseModel('/m.onnx').device;
  const html = show(() => createElement(Suspense, { fallback: 'please wait' }, createElement(Model)));
  expect(html).toContain('please wait');
  expect(html).toContain('useSuspenseModel loads in the browser only');
});

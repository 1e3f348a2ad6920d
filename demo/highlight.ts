/**
 * Colours kernel texts: WGSL and WASM listings by Prism's grammars, the device-free kernel text by a small one of its own. In: text. Out: a
 * `pre` that scrolls and can be reached by keyboard. Its own chunk: loaded when the first kernel is opened.
 */
import { refractor, type Syntax } from 'refractor/core';
import wasm from 'refractor/wasm';
import wgsl from 'refractor/wgsl';
import { h } from './dom.ts';

const kernel: Syntax = Object.assign((prism: Parameters<Syntax>[0]): void => {
  prism.languages['kernel'] = {
    keyword: /\b(?:kernel|map|rows|contraction|loop|read|write|strides|for|batch|cols|depth|sum|over|of|in|panels|fma|exact|fast|if|else|while|let|store)\b/,
    function: /\b[a-z]\w*(?=\()/,
    builtin: /\b(?:float(?:16|32|64)|u?int(?:8|16|32|64)|bool|index)\b/,
    variable: /%[\w.]+/,
    number: /-?\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b/,
    punctuation: /[()[\],;]/,
  };
}, { displayName: 'kernel', aliases: [] });

for (const syntax of [wasm, wgsl, kernel]) refractor.register(syntax);

export function highlighted(text: string, language: 'kernel' | 'wasm' | 'wgsl'): HTMLElement {
  return h('pre', { class: 'code', attr: { tabindex: 0 } }, ...nodes(refractor.highlight(text, language).children));
}

type Child = ReturnType<typeof refractor.highlight>['children'][number];

function nodes(children: readonly Child[]): (HTMLElement | string)[] {
  return children.flatMap((child): (HTMLElement | string)[] => {
    if (child.type === 'text') return [child.value];
    if (child.type !== 'element') return [];
    const names = child.properties['className'];
    return [h('span', { class: Array.isArray(names) ? names.join(' ') : '' }, ...nodes(child.children))];
  });
}

/** ESLint rules of the house: kebab-case file names, a header comment in every file, words that a folder must not know. */
import { basename } from 'node:path';

export const fileName = {
  meta: { type: 'suggestion', schema: [], messages: { name: "file names are kebab-case: '{{name}}' is not" } },
  create(context) {
    const name = basename(context.filename);
    return {
      Program(node) {
        if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+$/.test(name)) context.report({ node, messageId: 'name', data: { name } });
      },
    };
  },
};

export const headerComment = {
  meta: { type: 'suggestion', schema: [], messages: { missing: 'the file must begin with a comment that says what it is for' } },
  create(context) {
    return {
      Program(node) {
        const [first] = context.sourceCode.getAllComments();
        const token = context.sourceCode.getFirstToken(node);
        if (first === undefined || (token !== null && first.range[0] > token.range[0])) context.report({ node, messageId: 'missing' });
      },
    };
  },
};

/** Words in code, not in comments: a comment may say where something comes from. */
export const words = {
  meta: {
    type: 'problem',
    schema: [{ type: 'object', properties: { words: { type: 'array' }, why: { type: 'string' } }, additionalProperties: false }],
    messages: { word: "'{{word}}' has no place here: {{why}}" },
  },
  create(context) {
    const [{ words: forbidden, why }] = context.options;
    const check = (node, text) => {
      const word = forbidden.find((w) => text.toLowerCase().includes(w));
      if (word !== undefined) context.report({ node, messageId: 'word', data: { word, why } });
    };
    return {
      Identifier: (node) => check(node, node.name),
      Literal: (node) => typeof node.value === 'string' && check(node, node.value),
      TemplateElement: (node) => check(node, node.value.raw),
    };
  },
};

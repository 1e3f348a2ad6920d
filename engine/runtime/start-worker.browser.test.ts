import { expect, it } from 'vitest';
import { startWorker } from './start-worker.ts';

/** What becomes of an engine whose script does this with Hello's version. */
async function dies(script: string): Promise<{ readonly code: string; readonly message: string }> {
  const url = URL.createObjectURL(new Blob([`onmessage = ({ data: { version } }) => { ${script} };`], { type: 'text/javascript' }));
  const { died } = await startWorker(url);
  return died;
}

const readyThenEnd = "postMessage({ ready: true, version }); setTimeout(() => { throw new Error('the end'); });";

it('takes a script that answers Ready for an engine', async () => {
  expect(await dies(readyThenEnd)).toMatchObject({ code: 'worker-died' });
});

it.each(['{ id: "a call of comlink" }', '{ ran: 1 }'])('hears answers to calls before Ready: %s', async (answer) => {
  expect(await dies(`postMessage(${answer}); ${readyThenEnd}`)).toMatchObject({ code: 'worker-died' });
});

it.each(['{ ready: true, version: "0.0.1" }', '"hello"', 'null'])('refuses a script that answers otherwise: %s', async (answer) => {
  expect(await dies(`postMessage(${answer})`)).toMatchObject({ code: 'worker-blocked', message: expect.stringContaining('another version') as string });
});

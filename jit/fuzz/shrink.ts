/**
 * Makes a failing list of choices smaller: pieces are left out, set to 0, and single numbers halved, as long as the case still fails.
 * Input: the list, what runs a list and says whether it fails, and how many tries are worth it. Output: the smallest list found.
 */

export async function shrink(
  choices: readonly number[], fails: (choices: readonly number[]) => Promise<boolean>, tries = 400,
): Promise<readonly number[]> {
  let best = trimmed(choices);
  let left = tries;
  const better = async (candidate: readonly number[]): Promise<boolean> => {
    if (left <= 0 || simpler(best, candidate) === best) return false;
    left--;
    if (!await fails(candidate)) return false;
    best = trimmed(candidate);
    return true;
  };
  for (let before = Infinity; left > 0 && weight(best) < before;) {
    before = weight(best);
    for (const size of [32, 8, 4, 2, 1]) {
      for (let at = Math.max(0, best.length - size); at >= 0 && left > 0; at -= size) {
        if (!await better([...best.slice(0, at), ...best.slice(at + size)])) {
          await better([...best.slice(0, at), ...best.slice(at, at + size).map(() => 0), ...best.slice(at + size)]);
        }
        if (at > 0 && at < size) at = size;
      }
    }
    for (let at = 0; at < best.length && left > 0; at++) {
      for (let value = best[at] ?? 0; value > 0;) {
        const smaller = [Math.floor(value / 2), value - 1].filter((v) => v < value);
        let changed = false;
        for (const v of smaller) {
          if (await better([...best.slice(0, at), v, ...best.slice(at + 1)])) {
            changed = true;
            break;
          }
        }
        value = changed ? best[at] ?? 0 : 0;
      }
    }
  }
  return best;
}

/** Zeros at the end are what a list goes on with anyway. */
function trimmed(choices: readonly number[]): readonly number[] {
  let end = choices.length;
  while (end > 0 && choices[end - 1] === 0) end--;
  return choices.slice(0, end);
}

const weight = (choices: readonly number[]): number => choices.reduce((sum, c) => sum + c, 0) + 1000 * trimmed(choices).length;
const simpler = (a: readonly number[], b: readonly number[]): readonly number[] => (weight(b) < weight(a) ? b : a);

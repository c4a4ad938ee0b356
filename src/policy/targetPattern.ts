/**
 * True if the target's name matches: the pattern is the name itself, or holds `*` for any run of characters. Both are
 * normalised. Runs in time proportional to the product of the lengths, whatever the pattern.
 */
export function matchesTarget(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (pattern[p] === '*') {
      star = p++;
      resume = n;
    } else if (pattern[p] === name[n]) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

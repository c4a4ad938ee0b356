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

/** True if there can be a name that matches both. */
export function patternsOverlap(one: string, other: string): boolean {
  if (!one.includes('*')) return matchesTarget(other, one);
  if (!other.includes('*')) return matchesTarget(one, other);
  // What stands between the ends of the one finds its place in a run of the other.
  const [head, otherHead] = [one, other].map((pattern) => pattern.slice(0, pattern.indexOf('*')));
  const [tail, otherTail] = [one, other].map((pattern) => pattern.slice(pattern.lastIndexOf('*') + 1));
  const headsAgree = head!.startsWith(otherHead!) || otherHead!.startsWith(head!);
  return headsAgree && (tail!.endsWith(otherTail!) || otherTail!.endsWith(tail!));
}

/** Cuts the middle out: a name's beginning says whose it is, its end which one. */
export function fit(line: string, width: number): string {
  if (columns(line) <= width) return line;
  const rest = Array.from(new Intl.Segmenter().segment(line.trimStart()), ({ segment }) => segment);
  const indent = ' '.repeat(line.length - line.trimStart().length);
  let [head, tail] = ['', ''];
  // From both ends by turns, while it fits beside the ellipsis.
  for (let room = width - indent.length - 1; rest.length > 0;) {
    const takesFirst = columns(head) <= columns(tail);
    const next = (takesFirst ? rest.shift() : rest.pop())!;
    room -= columns(next);
    if (room < 0) break;
    if (takesFirst) head += next;
    else tail = next + tail;
  }
  return `${indent}${head}…${tail}`;
}

/** Exactly so many columns: spaces behind it, or without its beginning, which names of one kind share. */
export function fitColumns(text: string, width: number): string {
  const taken = columns(text);
  if (taken <= width) return text + ' '.repeat(width - taken);
  const rest = Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
  let tail = '';
  while (rest.length > 0 && columns(tail) + columns(rest.at(-1)!) < width) tail = rest.pop()! + tail;
  return `…${tail}${' '.repeat(Math.max(0, width - 1 - columns(tail)))}`;
}

/** How many columns of a terminal this takes. An upper bound: what may be two columns wide counts as two, so that no line wraps. */
export function columns(text: string): number {
  return Array.from(text).reduce((sum, character) => sum + (isNarrow(character) ? 1 : 2), 0);
}

/** Dashes, quotes, the ellipsis and what stands for the unprintable, which we write ourselves, are narrow. */
const isNarrow = (character: string): boolean =>
  character < '\u{1100}' || (character >= '\u{2010}' && character <= '\u{2027}') || character === '\u{fffd}';

/**
 * Text from elsewhere, on one line and without what moves a terminal's cursor or turns text around: control and format characters,
 * and whatever has no glyph, become U+FFFD.
 */
export const printable = (text: string): string => text.replaceAll(UNPRINTABLE, '\u{fffd}');

/** JSON that says the same as `JSON.stringify`, with all of that escaped: JSON itself leaves U+007F to U+009F as they are. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(UNPRINTABLE, (character) =>
    character === '\n' ? character : escaped(character),
  );
}

/** Also U+2028 and U+2029, which are line breaks to some. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
    .join('');
}

import { printable } from '../../telemetry/printable.ts';

/** Markup that needs no escaping any more. Only `html` makes it. */
export class Html {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** The one place where values come into the page. */
  static of(parts: readonly string[], values: readonly Value[]): Html {
    return new Html(parts.reduce((text, part, i) => text + Html.#markup(values[i - 1]) + part));
  }

  toString(): string {
    return this.#text;
  }

  static #markup(value: Value): string {
    if (value instanceof Html) return value.#text;
    if (typeof value === 'object') return value.map((each) => each.#text).join('');
    return value === undefined ? '' : escaped(String(value));
  }
}

/** Text is escaped, markup is not; nothing is left of undefined. */
export type Value = string | number | Html | readonly Html[] | undefined;

/** Markup with values in it, in text and in quoted attributes: `` html`<b title="${name}">${name}</b>` ``. */
export const html = (parts: TemplateStringsArray, ...values: readonly Value[]): Html =>
  Html.of(parts, values);

/** Also without characters that turn text around or have no glyph. */
function escaped(text: string): string {
  return printable(text).replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

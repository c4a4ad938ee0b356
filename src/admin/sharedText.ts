const SECOND = 1000;

/**
 * Renders a text for all who ask for it, so that its cost does not grow with how often that is: one rendering at a time, which whoever
 * comes meanwhile waits for, and no more than so many in a second. Beyond that the last text is given again, never older than a second.
 */
export class SharedText<T> {
  readonly #render: () => Promise<T>;
  readonly #perSecond: number;
  #underWay: Promise<T> | undefined;
  #last: { readonly text: T } | undefined;
  #since = Number.NEGATIVE_INFINITY;
  #rendered = 0;

  constructor(render: () => Promise<T>, perSecond: number) {
    this.#render = render;
    this.#perSecond = perSecond;
  }

  /** Rejects as the rendering does; the next one who asks has another try, within the bound. */
  read(): Promise<T> {
    if (this.#underWay !== undefined) return this.#underWay;
    const now = performance.now();
    if (now - this.#since >= SECOND) {
      this.#since = now;
      this.#rendered = 0;
      this.#last = undefined;
    }
    if (this.#rendered >= this.#perSecond && this.#last !== undefined)
      return Promise.resolve(this.#last.text);
    this.#rendered++;
    this.#underWay = this.#renew().finally(() => (this.#underWay = undefined));
    return this.#underWay;
  }

  async #renew(): Promise<T> {
    const text = await this.#render();
    this.#last = { text };
    return text;
  }
}

import type { SideFigures } from './nexus.ts';
import { TagTable } from '../iscsi/tagTable.ts';

/** More than anybody has under way at once; the rest is not timed. */
const MAX_PINGS = 64;

/** NOPs that one side has to answer. */
export class Pings {
  readonly #figures: SideFigures;
  readonly #sent = new TagTable(0, 1, 2, MAX_PINGS);

  constructor(figures: SideFigures) {
    this.#figures = figures;
  }

  /** @param now ms */
  sent(tag: number, now: number): void {
    const ping = this.#sent.put(tag);
    if (ping !== -1) this.#sent.real[ping] = now;
  }

  answered(tag: number, now: number): void {
    const ping = this.#sent.find(tag);
    if (ping === -1) return;
    this.#figures.pings++;
    this.#figures.pingTime += now - this.#sent.real[ping]!;
    this.#sent.remove(ping);
  }

  /** There will be no answer. */
  rejected(tag: number): void {
    const ping = this.#sent.find(tag);
    if (ping !== -1) this.#sent.remove(ping);
  }
}

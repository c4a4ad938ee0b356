import type { Lun } from '../iscsi/lun.ts';
import { TagTable } from '../iscsi/tagTable.ts';
import { accountSnapshot, OTHER_NAME, type Account } from './account.ts';
import { ACCOUNT_LENGTH, CELL_LENGTH, Figure, STREAMS } from './cell.ts';
import { IO_CLASSES } from './ioClass.ts';
import { Nexus } from './nexus.ts';
import { Recorder, type Books } from './recorder.ts';
import type { LedgerSnapshot } from './snapshot.ts';

export interface LedgerOptions {
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** How many logical units of initiators have figures of their own; each costs about 2 KiB, and 170 lines of metrics. */
  readonly maxAccounts?: number;
}

export const MAX_ACCOUNTS = 512;
/** So that one who asks for logical units that are not there cannot take the places of others: of one target, and of all. */
export const MAX_LUNS = 64;
const SHARE = 1 / 4;
export const roomOfOne = (maxAccounts: number): number => Math.ceil(maxAccounts * SHARE);

/**
 * What passed, by initiator, target and logical unit, in plain numbers. It outlives sessions, so that nothing that is counted goes
 * back; it is bounded, and what finds no place any more is counted as `other`.
 */
export class Ledger {
  readonly #now: () => number;
  readonly #maxAccounts: number;
  readonly #figures: Float64Array;
  readonly #books = new Map<string, Books>();
  readonly #accounts: Account[] = [];
  /** How many of them each initiator has. */
  readonly #taken = new Map<string, number>();
  /** For whatever finds no place; shown once there was something. */
  readonly #otherAccount: Account;
  readonly #otherBooks: Books;
  #hasOtherNexus = false;
  #overflow = 0;

  constructor({ now, maxAccounts = MAX_ACCOUNTS }: LedgerOptions) {
    this.#now = now;
    this.#maxAccounts = maxAccounts;
    this.#figures = new Float64Array((1 + maxAccounts) * ACCOUNT_LENGTH);
    this.#otherAccount = this.#begin({ initiator: OTHER_NAME, target: OTHER_NAME, lun: OTHER_NAME, at: 0 });
    this.#otherBooks = {
      nexus: new Nexus(OTHER_NAME, OTHER_NAME),
      figures: this.#figures,
      accountOf: () => this.#overflowing(this.#otherAccount),
    };
  }

  /**
   * A session begins.
   *
   * @param initiator id of its rule
   */
  open({ initiator, target }: { readonly initiator: string; readonly target: string }): Recorder {
    return new Recorder(this.#booksOf(initiator, target), this.#now);
  }

  /** Everything as it is now; a copy. */
  snapshot(): LedgerSnapshot {
    const now = this.#now();
    const books = [...this.#books.values(), ...(this.#hasOtherNexus ? [this.#otherBooks] : [])];
    const isOtherUsed = IO_CLASSES.some((_, i) => this.#figures[i * CELL_LENGTH + Figure.commands]! > 0);
    const accounts = isOtherUsed ? [...this.#accounts, this.#otherAccount] : this.#accounts;
    return {
      accounts: accounts.map((account) => accountSnapshot(this.#figures, account)),
      nexuses: books.map(({ nexus }) => nexus.snapshot(now)),
      overflow: this.#overflow,
    };
  }

  #booksOf(initiator: string, target: string): Books {
    const key = `${initiator} ${target}`;
    const known = this.#books.get(key);
    if (known !== undefined) return known;
    if (this.#books.size >= this.#maxAccounts) {
      this.#hasOtherNexus = true;
      return this.#otherBooks;
    }
    const luns = new TagTable(1, 0, 4, MAX_LUNS);
    /** Of logical units beyond the bound, and of those whose LUN has no form that we know. */
    let others: Account | undefined;
    const accountOf = (lun: Lun | undefined): Account => {
      if (lun !== undefined) {
        const tag = typeof lun === 'number' ? lun : -1;
        const known = luns.find(tag);
        if (known !== -1) return this.#accounts[luns.whole[known]!]!;
        const added = this.#hasRoom(initiator) ? luns.put(tag) : -1;
        if (added !== -1) {
          luns.whole[added] = this.#accounts.length;
          return this.#newAccount(initiator, target, String(lun));
        }
      }
      if (others === undefined && this.#hasRoom(initiator))
        others = this.#newAccount(initiator, target, OTHER_NAME);
      return this.#overflowing(others ?? this.#otherAccount);
    };
    const books = { nexus: new Nexus(initiator, target), figures: this.#figures, accountOf };
    this.#books.set(key, books);
    return books;
  }

  #hasRoom(initiator: string): boolean {
    if (this.#accounts.length >= this.#maxAccounts) return false;
    return (this.#taken.get(initiator) ?? 0) < roomOfOne(this.#maxAccounts);
  }

  #overflowing(account: Account): Account {
    this.#overflow++;
    return account;
  }

  #newAccount(initiator: string, target: string, lun: string): Account {
    const at = (1 + this.#accounts.length) * ACCOUNT_LENGTH;
    const account = this.#begin({ initiator, target, lun, at });
    this.#accounts.push(account);
    this.#taken.set(initiator, (this.#taken.get(initiator) ?? 0) + 1);
    return account;
  }

  /** No stream ended at any block yet. */
  #begin(account: Account): Account {
    for (let i = 0; i < IO_CLASSES.length; i++) {
      const streams = account.at + i * CELL_LENGTH + Figure.streams;
      this.#figures.fill(-1, streams, streams + STREAMS);
    }
    return account;
  }
}

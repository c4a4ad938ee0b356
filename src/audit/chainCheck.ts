import { GENESIS, unseal, type Link, type SealedLine } from './chain.ts';

export interface ChainProblem {
  readonly file: string;
  /** In this file, from 1; absent where it is about the trail's end. */
  readonly line?: number;
  /** - `changed`: the line's bytes are not those that were written, or it is no audit line
   *  - `cut`: the line ends in its middle
   *  - `dropped`: lines before this one are missing
   *  - `moved`: the line stands in another place than it was written at, or twice
   *  - `exchanged`: the line matches its own hash, but it is not the one that the next was written behind
   *  - `end`: lines at the end are missing, or are not those that were written
   *  - `expected`: a hash that was noted elsewhere is not in the chain */
  readonly kind: 'changed' | 'cut' | 'dropped' | 'moved' | 'exchanged' | 'end' | 'expected';
  readonly message: string;
}

/** More would help nobody. */
const MAX_PROBLEMS = 100;

interface Gap {
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

/** Follows a chain line by line and tells where it breaks. After a break it goes on with what is there. */
export class ChainCheck {
  readonly #sought: ReadonlySet<string>;
  readonly #found = new Set<string>();
  readonly #problems: ChainProblem[] = [];
  readonly #gaps: Gap[] = [];
  #file = '';
  #line = 0;
  #lines = 0;
  #first: Link | undefined;
  #last: Link | undefined;
  #lastAt = '';
  /** Lines since the last good one that could not be read: their numbers are not missing. */
  #unreadable = 0;
  #range: { first?: number; last?: number } = {};

  /** @param sought hashes whose presence is asked for at the end */
  constructor(sought: readonly string[]) {
    this.#sought = new Set(sought);
  }

  get lines(): number {
    return this.#lines;
  }
  get first(): Link | undefined {
    return this.#first;
  }
  get last(): Link | undefined {
    return this.#last;
  }
  get problems(): readonly ChainProblem[] {
    return this.#problems;
  }
  /** Numbers of the first and the last line of the file that was begun last. */
  get range(): { readonly first?: number; readonly last?: number } {
    return this.#range;
  }

  begin(file: string): void {
    this.#file = file;
    this.#line = 0;
    this.#range = {};
  }

  /** Takes the next line, without its newline. Always true. */
  line(bytes: Uint8Array): true {
    this.#line++;
    this.#lines++;
    const line = unseal(bytes);
    if (line === undefined) this.#spoiled(bytes);
    else this.#good(line, bytes);
    return true;
  }

  /** Bytes at the end of the file that was begun last, without a newline, though another file follows. */
  incomplete(bytes: number): void {
    this.#line++;
    this.#unreadable++;
    this.#report(
      'cut',
      `the last line is incomplete: ${bytes} bytes without a newline, and another file follows`,
    );
  }

  /** A hash that must be in the chain. */
  holds(hash: string): void {
    if (this.#found.has(hash)) return;
    this.#atEnd(
      'expected',
      `no line has the expected hash ${hash}: the chain is another one, or lines were made anew`,
    );
  }

  /** What the head file says: the chain reached this line. */
  holdsHead({ seq, hash }: Link): void {
    const reached = this.#last?.seq ?? 0;
    if (reached < seq) {
      const missing = seq - reached;
      return this.#atEnd(
        'end',
        `the end is cut off: the head file says that line number ${seq} was written, the last one here is ${reached} (${missing} missing)`,
      );
    }
    const isOlder = this.#first !== undefined && seq < this.#first.seq;
    if (!isOlder && !this.#found.has(hash)) {
      this.#atEnd('end', `line number ${seq} is not the one that the head file names: the end was made anew`);
    }
  }

  #good(line: SealedLine, bytes: Uint8Array): void {
    if (this.#sought.has(line.hash)) this.#found.add(line.hash);
    this.#judge(line, bytes);
    this.#range = { first: this.#range.first ?? line.seq, last: line.seq };
    if (this.#last !== undefined && line.seq <= this.#last.seq) return; // moved: what follows belongs behind the other one
    const { seq, hash } = line;
    this.#first ??= { seq, hash };
    this.#last = { seq, hash };
    this.#lastAt = `line ${this.#line}`;
    this.#unreadable = 0;
  }

  #judge({ seq, prev }: SealedLine, bytes: Uint8Array): void {
    // Of a trail whose older files are gone, the first line says so.
    if (this.#last === undefined && beginsFile(bytes)) return;
    const last = this.#last ?? GENESIS;
    const missing = seq - last.seq - 1;
    if (missing < 0) return this.#outOfPlace(seq);
    if (missing > this.#unreadable) {
      this.#gaps.push({ from: last.seq + 1, to: seq - 1, at: this.#problems.length });
      const which = missing === 1 ? `number ${seq - 1} is` : `numbers ${last.seq + 1} to ${seq - 1} are`;
      return this.#report('dropped', `${which} missing before number ${seq}`);
    }
    if (missing === 0 && prev !== last.hash) {
      this.#report(
        'exchanged',
        last.seq === 0
          ? 'number 1 was written behind another line: it was made anew'
          : `number ${seq} was written behind another line than number ${last.seq} (${this.#lastAt}), which was exchanged or made anew`,
      );
    }
  }

  /** A line whose number was passed already: if it is one that was missed, the first problem was not that it is gone. */
  #outOfPlace(seq: number): void {
    const gap = this.#gaps.find(({ from, to }) => from <= seq && seq <= to);
    const missed = gap && this.#problems[gap.at];
    if (missed === undefined) {
      return this.#report(
        'moved',
        `number ${seq} stands behind number ${this.#last!.seq}: it was moved here, or repeated`,
      );
    }
    this.#problems[gap!.at] = {
      ...missed,
      kind: 'moved',
      message: `the order was changed: number ${seq} stands further behind, in ${this.#file}, line ${this.#line}`,
    };
  }

  #spoiled(bytes: Uint8Array): void {
    this.#unreadable++;
    const text = Buffer.from(bytes).toString('latin1');
    const number = /"chain":\{"seq":(\d+),/.exec(text)?.[1];
    if (text.startsWith('{"@timestamp"') && !text.endsWith('"}}}')) {
      return this.#report('cut', 'the line ends in its middle');
    }
    const which =
      number === undefined ? 'no audit line, or one that was changed' : `number ${number} was changed`;
    this.#report('changed', `${which}: it does not match its own hash`);
  }

  #report(kind: ChainProblem['kind'], message: string): void {
    if (this.#problems.length < MAX_PROBLEMS) {
      this.#problems.push({ file: this.#file, line: this.#line, kind, message });
    }
  }

  #atEnd(kind: ChainProblem['kind'], message: string): void {
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push({ file: this.#file, kind, message });
  }
}

/** The bytes are verified already; in a string of theirs the quotes would be escaped. */
function beginsFile(bytes: Uint8Array): boolean {
  return Buffer.from(bytes).includes('"action":"audit-file-begun"');
}

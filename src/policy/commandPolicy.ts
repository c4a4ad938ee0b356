import { canonicalLun, REPORT_LUNS_WELL_KNOWN } from '../iscsi/lun.ts';
import { TaskFunction } from '../iscsi/taskManagement.ts';
import type { CommandClass, DangerousCommand } from '../scsi/commandClass.ts';
import type { AccessRule, Permission } from './rules.ts';

/** Why a command or a task management request is refused, and so what the initiator is told. */
export type Denial =
  /** The logical unit is not there for this initiator. */
  | 'hidden-lun'
  /** The medium is write-protected for this initiator. */
  | 'write-protected'
  /** As if the target did not know the command. */
  | 'not-supported';

export type NotableEffect = 'reserve' | 'configure' | DangerousCommand;

export function isDanger(effect: NotableEffect): effect is DangerousCommand {
  return effect !== 'reserve' && effect !== 'configure';
}

const KNOWN_FUNCTIONS: ReadonlySet<number> = new Set(Object.values(TaskFunction));

/**
 * Of a command that is denied: true if it is refused in shadow too. Shadow tries what an operator has written; these no rule lets pass
 * that does not name them, and most destroy something.
 */
export function isRefusedInShadow({ effect, danger }: CommandClass): boolean {
  return danger !== undefined || effect === 'unknown';
}

/**
 * What a command that may go on does beyond reading and writing, and an operator would ask about later: a reservation, a setting,
 * or a danger that was allowed.
 *
 * @returns undefined for everyday commands
 */
export function notableEffect({ effect, danger }: CommandClass): NotableEffect | undefined {
  return danger ?? (effect === 'reserve' || effect === 'configure' ? effect : undefined);
}

/** As isRefusedInShadow, of a task management function: those that reach beyond what this session has under way, or are none. */
export function isFunctionRefusedInShadow(taskFunction: number): boolean {
  const { targetWarmReset, targetColdReset } = TaskFunction;
  return (
    taskFunction === targetWarmReset || taskFunction === targetColdReset || !KNOWN_FUNCTIONS.has(taskFunction)
  );
}

/** What one access rule lets a session do, command by command. */
export class CommandPolicy {
  readonly #rule: AccessRule;
  readonly #luns: LunSet | undefined;
  readonly #allowed: ReadonlySet<Permission>;

  constructor(rule: AccessRule) {
    this.#rule = rule;
    this.#luns = rule.luns === undefined ? undefined : new LunSet(rule.luns);
    this.#allowed = new Set(rule.allow);
  }

  /** True if only some logical units are there. */
  get masksLuns(): boolean {
    return this.#luns !== undefined;
  }

  get isReadOnly(): boolean {
    return this.#rule.mode === 'read-only';
  }

  /** @param at where the 8 bytes of the LUN begin */
  isVisible(bytes: Uint8Array, at: number): boolean {
    if (this.#luns === undefined) return true;
    const lun = canonicalLun(bytes, at);
    return typeof lun === 'number' && this.#luns.has(lun);
  }

  /**
   * Judges a SCSI command by what it does, and by the LUN at `bytes[lunAt]`.
   *
   * @returns undefined if it may go on
   */
  judgeCommand(command: CommandClass, bytes: Uint8Array, lunAt: number): Denial | undefined {
    if (!this.#isAddressable(bytes, lunAt, command)) return 'hidden-lun';
    return this.#judgeEffect(command);
  }

  /** Judges a task management request. */
  judgeTaskManagement(taskFunction: number, bytes: Uint8Array, lunAt: number): Denial | undefined {
    switch (taskFunction) {
      case TaskFunction.targetWarmReset:
      case TaskFunction.targetColdReset:
        return this.#allowed.has('target-reset') ? undefined : 'not-supported';
      case TaskFunction.nexusReset: // ends what this session itself has under way; its LUN is reserved
        return undefined;
      default:
        if (!KNOWN_FUNCTIONS.has(taskFunction)) return 'not-supported';
        return this.isVisible(bytes, lunAt) ? undefined : 'hidden-lun';
    }
  }

  #isAddressable(bytes: Uint8Array, at: number, command: CommandClass): boolean {
    if (this.isVisible(bytes, at)) return true;
    const lun = canonicalLun(bytes, at);
    // The list is asked for at LUN 0 (SPC-4 §6.33) and comes filtered. At another hidden LUN it would tell that one is there.
    if (command.listsLuns === true && lun === 0) return true;
    return command.effect === 'harmless' && lun === REPORT_LUNS_WELL_KNOWN;
  }

  #judgeEffect({ effect, danger }: CommandClass): Denial | undefined {
    if (effect === 'harmless') return undefined;
    if (this.isReadOnly) {
      return effect === 'reserve' && this.#allowed.has('reservations') ? undefined : 'write-protected';
    }
    const isAllowed = danger === undefined ? effect !== 'unknown' : this.#allowed.has(danger);
    return isAllowed ? undefined : 'not-supported';
  }
}

/** Logical units, a bit for each: it is asked at every command. */
class LunSet {
  readonly #words: Int32Array;

  constructor(luns: readonly number[]) {
    this.#words = new Int32Array((Math.max(-1, ...luns) >> 5) + 1);
    for (const lun of luns) this.#words[lun >> 5]! |= 1 << (lun & 31);
  }

  has(lun: number): boolean {
    const word = lun >> 5;
    return word < this.#words.length && ((this.#words[word]! >> (lun & 31)) & 1) === 1;
  }
}

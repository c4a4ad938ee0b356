import { Offset, opcodeAt } from '../iscsi/bhs.ts';
import { decodeBhs } from '../iscsi/layouts.ts';
import { Opcode } from '../iscsi/opcode.ts';
import { NO_DIGESTS } from '../iscsi/pdu.ts';
import { TaskFunction } from '../iscsi/taskManagement.ts';
import {
  CommandPolicy,
  isFunctionRefusedInShadow,
  isRefusedInShadow,
  type Denial,
} from '../policy/commandPolicy.ts';
import type { Authorization } from '../policy/policy.ts';
import type { AccessRule, Permission } from '../policy/rules.ts';
import { refusedCommand, refusedTaskManagement } from '../relay/answers.ts';
import { classifyCommand } from '../scsi/commandClass.ts';
import { describeAnswer } from './describeAnswer.ts';
import { lunRanges } from './lunRanges.ts';
import type { Request } from './request.ts';

const NO_NUMBERS = { statSN: 0, expCmdSN: 0, maxCmdSN: 0 };

/** `shadowed`: it passes, and is denied as soon as the rule is enforced. */
export type Verdict = 'allowed' | 'denied' | 'shadowed';

export interface RequestDenial {
  readonly denial: Denial;
  /** False in shadow: it goes on. */
  readonly enforced: boolean;
  /** What of the access entry says so. */
  readonly detail: string;
  /** What the initiator is told, if the denial is enforced. */
  readonly told: string;
}

/** Asks what the relay asks, request by request, in a session with this authorization. */
export class RequestJudge {
  readonly #access: AccessRule;
  readonly #policy: CommandPolicy;
  readonly #isShadow: boolean;
  readonly #isCovered: boolean;

  constructor({ access, admission, shadowed }: Authorization) {
    this.#access = access;
    this.#isShadow = admission.rule.shadow;
    this.#isCovered = shadowed === undefined;
    this.#policy = new CommandPolicy(access);
  }

  /** @returns undefined if policy allows the request */
  judge(request: Request, lun: number): RequestDenial | undefined {
    const bhs = request.bhs(lun);
    const denial = this.#denialOf(bhs);
    if (denial === undefined) return undefined;
    const answer = isCommand(bhs) ? refusedCommand(bhs, denial) : refusedTaskManagement(bhs, denial, false);
    return {
      denial,
      enforced: this.#isEnforced(bhs),
      detail: `${this.#detail(denial, bhs, lun)} (${this.#access.location})`,
      told: describeAnswer(answer(NO_NUMBERS, NO_DIGESTS)),
    };
  }

  /** The same without the reasons. */
  verdict(request: Request, lun: number): Verdict {
    const bhs = request.bhs(lun);
    if (this.#denialOf(bhs) !== undefined) return this.#isEnforced(bhs) ? 'denied' : 'shadowed';
    return this.#isCovered ? 'allowed' : 'shadowed';
  }

  #isEnforced(bhs: Buffer): boolean {
    if (!this.#isShadow) return true;
    return isCommand(bhs)
      ? isRefusedInShadow(classifyCommand(bhs, Offset.cdb))
      : isFunctionRefusedInShadow(taskFunctionOf(bhs));
  }

  #denialOf(bhs: Buffer): Denial | undefined {
    return isCommand(bhs)
      ? this.#policy.judgeCommand(classifyCommand(bhs, Offset.cdb), bhs, Offset.lun)
      : this.#policy.judgeTaskManagement(taskFunctionOf(bhs), bhs, Offset.lun);
  }

  #detail(denial: Denial, bhs: Buffer, lun: number): string {
    const { luns = [], mode } = this.#access;
    const permission = permissionFor(bhs, mode);
    switch (denial) {
      case 'hidden-lun':
        return `luns: [${lunRanges(luns)}] leaves out LUN ${lun}`;
      case 'write-protected':
        return `mode: read-only${permission === undefined ? '' : `; allow: [${permission}] would let it pass`}`;
      case 'not-supported':
        return permission === undefined
          ? 'the gateway does not know it, and nothing allows it'
          : `only allow: [${permission}] lets it pass, and it is not written`;
    }
  }
}

/** What an entry of this mode could say to let a refused request pass. */
function permissionFor(bhs: Buffer, mode: AccessRule['mode']): Permission | undefined {
  if (!isCommand(bhs)) {
    const resets: readonly number[] = [TaskFunction.targetWarmReset, TaskFunction.targetColdReset];
    return resets.includes(taskFunctionOf(bhs)) ? 'target-reset' : undefined;
  }
  const { effect, danger } = classifyCommand(bhs, Offset.cdb);
  if (mode === 'read-only') return effect === 'reserve' ? 'reservations' : undefined;
  return danger;
}

function isCommand(bhs: Buffer): boolean {
  return opcodeAt(bhs, 0) === Opcode.scsiCommand;
}

function taskFunctionOf(bhs: Buffer): number {
  return decodeBhs('taskManagementRequest', bhs).function;
}

import { TaskFunction, TaskResponse } from '../iscsi/taskManagement.ts';
import type { Nexus } from './nexus.ts';
import { TagTable } from '../iscsi/tagTable.ts';
import type { Tasks } from './tasks.ts';

/** As many as the relay itself lets be under way where they end anything. */
const MAX_FUNCTIONS = 64;

const FUNCTION = 0;
const LUN = 1;
const REFERENCED = 2;
const ORDINAL = 3;
const WIDTH = 4;

/** Task management functions that the target has yet to answer, and the tasks that come to an end by them. */
export class Functions {
  readonly #nexus: Nexus;
  readonly #tasks: Tasks;
  readonly #asked = new TagTable(WIDTH, 0, 2, MAX_FUNCTIONS);

  constructor(nexus: Nexus, tasks: Tasks) {
    this.#nexus = nexus;
    this.#tasks = tasks;
  }

  /**
   * @param lun as in Tasks
   * @param referenced the task to be aborted, by its number; negative if there is none
   */
  asked(initiatorTaskTag: number, taskFunction: number, lun: number, referenced: number): void {
    const asked = this.#asked.put(initiatorTaskTag);
    if (asked === -1) return;
    const { whole } = this.#asked;
    whole[asked * WIDTH + FUNCTION] = taskFunction;
    whole[asked * WIDTH + LUN] = lun;
    whole[asked * WIDTH + REFERENCED] = referenced;
    whole[asked * WIDTH + ORDINAL] = this.#tasks.ordinal;
  }

  answered(initiatorTaskTag: number, response: number): void {
    const asked = this.#asked.find(initiatorTaskTag);
    if (asked === -1) {
      this.#nexus.taskManagement(0, response);
      return;
    }
    const { whole } = this.#asked;
    const taskFunction = whole[asked * WIDTH + FUNCTION]!;
    const lun = whole[asked * WIDTH + LUN]!;
    const referenced = whole[asked * WIDTH + REFERENCED]!;
    const ordinal = whole[asked * WIDTH + ORDINAL]!;
    this.#asked.remove(asked);
    this.#nexus.taskManagement(taskFunction, response);
    // A target that does not know the task will not answer it either: its status would have come before this response.
    const isGone = taskFunction === TaskFunction.abortTask && response === TaskResponse.noSuchTask;
    if (response === TaskResponse.complete || isGone) this.#end(taskFunction, lun, referenced, ordinal);
  }

  /** There will be no answer. */
  rejected(initiatorTaskTag: number): void {
    const asked = this.#asked.find(initiatorTaskTag);
    if (asked !== -1) this.#asked.remove(asked);
  }

  /** What came after the request goes on (RFC 7143 §4.2.3.3). */
  #end(taskFunction: number, lun: number, referenced: number, ordinal: number): void {
    switch (taskFunction) {
      case TaskFunction.abortTask:
        this.#tasks.abort(referenced, ordinal);
        break;
      case TaskFunction.abortTaskSet:
      case TaskFunction.clearTaskSet:
      case TaskFunction.logicalUnitReset:
        this.#tasks.abortAll(ordinal, lun);
        break;
      case TaskFunction.targetWarmReset:
      case TaskFunction.targetColdReset:
      case TaskFunction.nexusReset:
        this.#tasks.abortAll(ordinal);
        break;
      default:
        break;
    }
  }
}

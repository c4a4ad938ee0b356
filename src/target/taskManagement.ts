import { canonicalLun } from '../iscsi/lun.ts';
import type { PduFields } from '../iscsi/layouts.ts';
import { TaskFunction, TaskResponse } from '../iscsi/taskManagement.ts';
import type { DiskTarget, SessionOnTarget } from './diskTarget.ts';
import type { LogicalUnit } from './logicalUnit.ts';
import type { TargetTask } from './targetTask.ts';

/** The session that asks. */
export interface TaskOwner extends Pick<SessionOnTarget, 'abortTasks' | 'initiatorPort'> {
  task(initiatorTaskTag: number): TargetTask | undefined;
}

/**
 * Carries out a task management request. When it answers, what it aborted changes the medium no more (SAM-5 §7).
 *
 * @returns the response code
 */
export async function manageTasks(
  request: PduFields<'taskManagementRequest'>,
  session: TaskOwner,
  target: DiskTarget,
): Promise<number> {
  if (request.function === TaskFunction.targetWarmReset) {
    await Promise.all([...target.units.values()].map((unit) => target.resetUnit(unit)));
    return TaskResponse.complete;
  }
  const unit = unitOf(request.lun, target);
  if (unit === undefined) return TaskResponse.noSuchLun;
  switch (request.function) {
    case TaskFunction.abortTask: {
      const task = session.task(request.referencedTaskTag);
      if (task === undefined || task.lun !== unit.lun) return TaskResponse.noSuchTask;
      session.abortTasks((other) => other === task);
      break;
    }
    case TaskFunction.abortTaskSet:
      session.abortTasks((task) => task.lun === unit.lun);
      break;
    case TaskFunction.clearTaskSet:
      await target.clearTasks(unit, session.initiatorPort);
      return TaskResponse.complete;
    case TaskFunction.logicalUnitReset:
      await target.resetUnit(unit);
      return TaskResponse.complete;
    default:
      return TaskResponse.notSupported;
  }
  await unit.settled();
  return TaskResponse.complete;
}

function unitOf(lun: Buffer, target: DiskTarget): LogicalUnit | undefined {
  const number = canonicalLun(lun);
  return typeof number === 'number' ? target.units.get(number) : undefined;
}

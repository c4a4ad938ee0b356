import { parseLun } from '../iscsi/lun.ts';
import type { PduFields } from '../iscsi/layouts.ts';
import { ProtocolError } from '../iscsi/protocolError.ts';
import type { DiskTarget, SessionOnTarget } from './diskTarget.ts';
import type { LogicalUnit } from './logicalUnit.ts';
import type { TargetTask } from './targetTask.ts';

/** RFC 7143 §11.5.1. */
const Function = {
  abortTask: 1,
  abortTaskSet: 2,
  clearTaskSet: 4,
  logicalUnitReset: 5,
  targetWarmReset: 6,
} as const;

/** RFC 7143 §11.6.1. */
const Response = { complete: 0, noSuchTask: 1, noSuchLun: 2, notSupported: 5 } as const;

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
  if (request.function === Function.targetWarmReset) {
    await Promise.all([...target.units.values()].map((unit) => target.resetUnit(unit)));
    return Response.complete;
  }
  const unit = unitOf(request.lun, target);
  if (unit === undefined) return Response.noSuchLun;
  switch (request.function) {
    case Function.abortTask: {
      const task = session.task(request.referencedTaskTag);
      if (task === undefined || task.lun !== unit.lun) return Response.noSuchTask;
      session.abortTasks((other) => other === task);
      break;
    }
    case Function.abortTaskSet:
      session.abortTasks((task) => task.lun === unit.lun);
      break;
    case Function.clearTaskSet:
      await target.clearTasks(unit, session.initiatorPort);
      return Response.complete;
    case Function.logicalUnitReset:
      await target.resetUnit(unit);
      return Response.complete;
    default:
      return Response.notSupported;
  }
  await unit.settled();
  return Response.complete;
}

function unitOf(lun: Buffer, target: DiskTarget): LogicalUnit | undefined {
  try {
    const number = parseLun(lun);
    return typeof number === 'number' ? target.units.get(number) : undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

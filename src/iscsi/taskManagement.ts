/** Functions of a Task Management Request (RFC 7143 §11.5.1, RFC 7144 §4.1). */
export const TaskFunction = {
  abortTask: 1,
  abortTaskSet: 2,
  clearAca: 3,
  clearTaskSet: 4,
  logicalUnitReset: 5,
  targetWarmReset: 6,
  targetColdReset: 7,
  taskReassign: 8,
  queryTask: 9,
  queryTaskSet: 10,
  nexusReset: 11,
  queryAsynchronousEvent: 12,
} as const;

/** As RFC 7143 §11.5.1 writes it: `TARGET WARM RESET`; the number of one that is none. */
export function describeTaskFunction(taskFunction: number): string {
  const name = Object.entries(TaskFunction).find(([, number]) => number === taskFunction)?.[0];
  if (name === undefined) return `task management function ${taskFunction}`;
  return name.replaceAll(/[A-Z]/g, ' $&').toUpperCase();
}

/** What a Task Management Response says (RFC 7143 §11.6.1). */
export const TaskResponse = { complete: 0, noSuchTask: 1, noSuchLun: 2, notSupported: 5 } as const;

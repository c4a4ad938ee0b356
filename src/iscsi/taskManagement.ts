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

/** What a Task Management Response says (RFC 7143 §11.6.1). */
export const TaskResponse = { complete: 0, noSuchTask: 1, noSuchLun: 2, notSupported: 5 } as const;

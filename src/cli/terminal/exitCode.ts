/** Exit codes, after sysexits.h: scripts and service managers can tell a typing error from a failure. */
export const ExitCode = { ok: 0, failure: 1, usage: 64, denied: 77, configuration: 78 } as const;

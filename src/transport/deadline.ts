/** A signal that aborts when the time is over, or with another one. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Lets go of timer and parent; the signal aborts no more. */
  readonly clear: () => void;
}

/**
 * What `AbortSignal.any` makes of `AbortSignal.timeout` and another signal, for a time that is mostly cut short: those two keep timer,
 * signals and finalizers until it is over, and cost a login several times as much.
 *
 * @param reason makes the reason with which the signal aborts when the time is over
 */
export function deadlineIn(
  milliseconds: number,
  parent?: AbortSignal,
  reason: () => Error = () => new Error('timed out'),
): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(reason()), milliseconds).unref();
  const onAbort = (): void => controller.abort(parent?.reason);
  if (parent?.aborted) onAbort();
  else parent?.addEventListener('abort', onAbort, { once: true });
  const clear = (): void => {
    clearTimeout(timer);
    parent?.removeEventListener('abort', onAbort);
  };
  return { signal: controller.signal, clear };
}

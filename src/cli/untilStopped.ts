/**
 * Waits for SIGTERM or SIGINT; a second one ends the process at once. To be called before a service starts, so that one that comes
 * while it does is not missed.
 */
export async function untilStopped(): Promise<NodeJS.Signals> {
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  process.once('SIGTERM', exitNow);
  process.once('SIGINT', exitNow);
  return signal;
}

function exitNow(): never {
  process.exit(1);
}

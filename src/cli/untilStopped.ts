/** Waits for SIGTERM or SIGINT. A second one ends the process at once. */
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

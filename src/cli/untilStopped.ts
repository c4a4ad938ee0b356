/** Waits for SIGTERM or SIGINT. A second one ends the process at once. */
export async function untilStopped(): Promise<NodeJS.Signals> {
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  const hurry = (): never => process.exit(1);
  process.once('SIGTERM', hurry);
  process.once('SIGINT', hurry);
  return signal;
}

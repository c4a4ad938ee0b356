import pc from 'picocolors';
import { ratesBetween, type Rates } from '../../status/rates.ts';
import type { Status } from '../../status/status.ts';
import { screen } from './lines.ts';
import { Screen } from './screen.ts';
import { press, type View } from './view.ts';

/** The first rates are not waited for so long. */
const FIRST_MS = 1000;

/**
 * Shows the gateway until the person quits. A gateway that does not answer for a while, or was started anew, is no reason to end.
 *
 * @param first the first reading
 * @param read gives the next one
 */
export async function showLive(
  first: Status,
  read: () => Promise<Status>,
  intervalMs: number,
  startView: View,
): Promise<void> {
  let status = first;
  let rates: Rates | undefined;
  let problem: string | undefined;
  let view = startView;
  let timer: NodeJS.Timeout | undefined;
  const draw = (): void => window.draw(screen({ status, rates, problem }, view, window.size, pc));
  const renew = async (): Promise<void> => {
    if (!view.isPaused) {
      try {
        const next = await read();
        rates = ratesBetween(status, next);
        status = next;
        problem = undefined;
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
      }
    }
    if (isOver) return;
    draw();
    timer = setTimeout(() => void renew(), intervalMs);
  };
  let isOver = false;
  let quit: () => void;
  const untilQuit = new Promise<void>((resolve) => (quit = resolve));
  const window = new Screen({
    onKey: (key) => {
      const next = press(view, key, Math.max(1, window.size.rows - 12));
      if (next === 'quit') return quit();
      view = next;
      draw();
    },
    onRedraw: draw,
  });
  try {
    draw();
    timer = setTimeout(() => void renew(), Math.min(intervalMs, FIRST_MS));
    await untilQuit;
  } finally {
    isOver = true;
    clearTimeout(timer);
    window.close();
  }
}

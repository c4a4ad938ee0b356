import { LEAST_WAITING_SECONDS, WARM_TUNNEL_SECONDS } from '../config/warmTunnelLife.ts';
import type { StubEvent } from '../stub/stub.ts';
import type { Logger } from '../telemetry/log.ts';
import type { StubMetrics } from '../telemetry/stubMetrics.ts';
import type { StubEventLimit } from './stubEventLimit.ts';
import { DialError } from '../transport/dial.ts';

/** One line for each event that an operator has to know of, as far as the limit lets it through. */
export function logStubEvent(log: Logger, event: StubEvent, limit: StubEventLimit): void {
  const leftOut = limit.take(event);
  if (leftOut === undefined) return;
  const suppressed = leftOut > 0 && { suppressed: leftOut };
  switch (event.kind) {
    case 'opened': {
      const { initiator, gateway, wasWarm } = event;
      return log.info({ initiator, gateway, warm: wasWarm, ...suppressed }, 'tunnel open');
    }
    case 'kept':
      return; // its initiator has been told of as `opened`
    case 'reopened': {
      const { initiator, gateway } = event;
      return log.info(
        { initiator, gateway, ...suppressed },
        'the tunnel had been closed by the gateway: another one is open',
      );
    }
    case 'cutShort': {
      const { gateway, seconds } = event;
      const detail = `a stub keeps one for ${WARM_TUNNEL_SECONDS} s: the gateway has stopped, or has a new certificate; if this comes again and again, give its limits.waitingSeconds ${LEAST_WAITING_SECONDS} or more`;
      return log.info({ gateway, seconds, detail }, 'a tunnel that waited was closed before its time');
    }
    case 'warmth':
      return event.error === undefined
        ? log.info('tunnels can be dialled ahead again')
        : log.warn(
            { detail: reasonOf(event.error) },
            'no tunnel can be dialled ahead, initiators wait for their own',
          );
    case 'closed': {
      const { initiator, gateway, received, error } = event;
      const refused =
        "the gateway closed the tunnel without a word: its log says why; look whether it takes this stub's certificate";
      const detail = error?.message ?? (received === 0 ? refused : undefined);
      return detail === undefined
        ? log.info({ initiator, gateway, ...suppressed }, 'tunnel closed')
        : log.warn({ initiator, gateway, detail, ...suppressed }, 'tunnel closed');
    }
    case 'unreachable':
      return log.warn(
        { initiator: event.initiator, detail: reasonOf(event.error), ...suppressed },
        'no gateway can be reached',
      );
    case 'refused': {
      const { initiator, detail } = event;
      return log.warn({ initiator, detail, ...suppressed }, 'connection refused');
    }
  }
}

/** Counts each connection of an initiator once. */
export function countStubEvent(metrics: Pick<StubMetrics, 'count'>, event: StubEvent): void {
  switch (event.kind) {
    case 'opened':
      if (!event.wasWarm) metrics.count('tunnel');
      return;
    case 'kept':
      return metrics.count('tunnel', 'given');
    case 'reopened':
      return metrics.count('tunnel', 'closed');
    case 'unreachable':
      return metrics.count('unreachable', event.hadWarm ? 'closed' : undefined);
    case 'refused':
      return metrics.count('refused', event.hadWarm ? 'closed' : undefined);
    case 'closed':
    case 'cutShort':
    case 'warmth':
  }
}

/** Each gateway with its reason: to whoever reads the stub's log, portals are those of an array. */
function reasonOf(error: Error): string {
  return error instanceof DialError ? error.reasons.join('; ') : error.message;
}

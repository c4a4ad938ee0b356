import { pino, type DestinationStream, type Logger } from 'pino';
import { describeWire, HANDSHAKE_REASONS, type Failure } from '../failures.ts';
import { EventLimit } from './eventLimit.ts';
import type { GatewayEvent, Observer, Peer } from './events.ts';
import { GatheredLines } from './gatheredLines.ts';

export type { Logger } from 'pino';

/**
 * The process log: JSON lines on standard error. Events hold no secrets; the redaction is for what a later hand may add.
 *
 * @param destination standard error unless given
 */
export function createLog(level: string, destination: DestinationStream = standardError()): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['secret', 'password', 'key', '*.secret', '*.password', '*.key'], censor: '[secret]' },
    },
    destination,
  );
}

function standardError(): DestinationStream {
  const lines = new GatheredLines(pino.destination({ dest: 2, sync: false }));
  // A write that is begun now would not be waited for. Pino writes by itself what it has been given before.
  process.once('exit', () => lines.pass(pino.destination({ dest: 2, sync: true })));
  return lines;
}

/** Writes one line for each event, within limits; the next one tells how many were left out. */
export function logEvents(log: Logger): Observer {
  const limit = new EventLimit();
  return (event) => {
    const suppressed = limit.take(event);
    if (suppressed === undefined) return;
    const { level, message, fields } = line(event);
    log[level]({ ...fields, ...(suppressed > 0 && { suppressed }) }, message);
  };
}

interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: object;
}

function line(event: GatewayEvent): Line {
  switch (event.kind) {
    case 'refused':
      return {
        level: 'warn',
        message: 'connection refused',
        fields: { ...who(event.peer), ...why(event.failure), suppressed: event.suppressed },
      };
    case 'handshake':
      return event.failure === undefined
        ? { level: 'debug', message: 'tunnel open', fields: who(event.peer) }
        : { level: 'warn', message: 'tunnel refused', fields: { ...who(event.peer), ...why(event.failure) } };
    case 'unused':
      return {
        level: levelOfUnused(event.failure),
        message: 'tunnel closed unused',
        fields: { ...who(event.peer), ...why(event.failure) },
      };
    case 'login': {
      const { peer, failure, kind: _, ...what } = event;
      const verdict = failure === undefined ? 'allowed' : 'denied';
      return {
        level: failure === undefined ? 'info' : levelOf(failure),
        message: `login ${verdict}`,
        fields: { verdict, ...who(peer), ...what, ...(failure && why(failure, failure.wire)) },
      };
    }
    case 'duplicate': {
      const { peer, other, isRefused } = event;
      return {
        level: 'warn',
        message: `the same initiator is there already`,
        fields: { ...who(peer), sha256: peer.sha256, serial: peer.serial, other, refused: isRefused },
      };
    }
    case 'discovery': {
      const { peer, shown, missing, malformed, failure } = event;
      const isWhole = missing.length === 0 && malformed.length === 0 && failure === undefined;
      return {
        level: isWhole ? 'info' : 'warn',
        message: 'discovery answered',
        fields: {
          ...who(peer),
          shown,
          ...(missing.length > 0 && { missing: missing.map(({ failure: { message } }) => message) }),
          ...(malformed.length > 0 && { malformed }),
          ...(failure && why(failure)),
        },
      };
    }
    case 'denied': {
      const { peer, kind: _, suppressed: __, ...what } = event;
      const message = event.enforced ? 'request denied' : 'request would be denied: its rule is in shadow';
      return {
        level: 'warn',
        message,
        fields: { ...who(peer), ...what },
      };
    }
    case 'notable': {
      const { peer, kind: _, suppressed: __, ...what } = event;
      return {
        level: 'debug',
        message: 'command of note',
        fields: { ...who(peer), ...what },
      };
    }
    case 'sessionEnded': {
      const { peer, failure, kind: _, ...what } = event;
      return {
        level: failure === undefined || event.by === 'logout' ? 'info' : 'warn',
        message: 'session ended',
        fields: { ...who(peer), ...what, ...(failure && why(failure)) },
      };
    }
    case 'reload': {
      const { kind: _, problem, ...result } = event;
      if (problem !== undefined) {
        const message = 'reload failed: everything is as it was';
        return { level: 'error', message, fields: { causes: result.causes, problem } };
      }
      const hasFewer = result.lists?.some(({ fewer = 0 }) => fewer > 0) === true;
      return { level: hasFewer ? 'warn' : 'info', message: 'reloaded', fields: result };
    }
    case 'workerStarted': {
      const { kind: _, ...fields } = event;
      return { level: 'info', message: 'worker started', fields };
    }
    case 'workerLost': {
      const { kind: _, ...fields } = event;
      return { level: 'error', message: 'worker lost', fields };
    }
    case 'drain': {
      const { kind: _, ...fields } = event;
      return { level: 'info', message: 'draining: initiators are asked to log out', fields };
    }
  }
}

function who({ address, certificate, initiatorName }: Peer): object {
  return { address, ...(certificate && { certificate }), ...(initiatorName && { initiator: initiatorName }) };
}

/** What the peer was told and why in truth; a fault of our own carries its stack. Only a login can be told a status. */
function why({ reason, message, cause, stack }: Failure, wire: Failure['wire'] = 'close'): object {
  return {
    reason,
    detail: message,
    told: describeWire(wire),
    ...(reason === 'internal_error' && { stack: cause instanceof Error ? cause.stack : stack }),
  };
}

/** Stubs take back theirs, and a gateway that stops closes all: that is everyday. */
function levelOfUnused({ reason }: Failure): 'debug' | 'info' | 'warn' {
  if (HANDSHAKE_REASONS.includes(reason)) return 'warn';
  return reason === 'login_timeout' ? 'info' : 'debug';
}

function levelOf(failure: Failure): 'warn' | 'error' {
  return failure.reason === 'internal_error' ? 'error' : 'warn';
}

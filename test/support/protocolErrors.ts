import { expect } from 'vitest';
import { ProtocolError, type ProtocolErrorCode } from '../../src/iscsi/protocolError.ts';

/** Expects the work to be refused with this code. */
export function expectProtocolError(code: ProtocolErrorCode, work: () => unknown): ProtocolError {
  let thrown: unknown;
  try {
    work();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ProtocolError);
  expect((thrown as ProtocolError).code).toBe(code);
  return thrown as ProtocolError;
}

import { expect, test } from 'vitest';
import { encodeSenseSegment, residual } from '../../../src/iscsi/scsiResponse.ts';

test('the residual is what was announced against what the command came to', () => {
  expect(residual(512, 512)).toEqual({ overflow: false, underflow: false, residualCount: 0 });
  expect(residual(512, 36)).toEqual({ overflow: false, underflow: true, residualCount: 476 });
  expect(residual(512, 1024)).toEqual({ overflow: true, underflow: false, residualCount: 512 });
});

test('sense data has its length in front', () => {
  expect(encodeSenseSegment(Buffer.from('7000', 'hex')).toString('hex')).toBe('00027000');
});

test('a response without sense data has no data segment', () => {
  expect(encodeSenseSegment(undefined)).toHaveLength(0);
});

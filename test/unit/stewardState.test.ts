import { describe, expect, test } from 'vitest';
import type { RetrainRequest, RunEnded, StewardPolicy } from '../../src/contracts/index.js';
import { PAYLOAD_LIMIT, checkPayloads } from '../../src/platform/temporal/payloadGuard.js';
import { faultsOf } from '../../workflows/support/input.js';
import { STEWARD_INPUT } from '../../workflows/support/messages.js';
import { StewardState } from '../../workflows/support/stewardState.js';

const at = (hours: number) => new Date(Date.UTC(2026, 0, 1, hours));
const policy = (cooldownHours: number): StewardPolicy => ({
  retrain: { drift: 'approve', severe_drift: 'auto', performance_drop: 'auto', new_data: 'auto', schedule: 'auto' },
  cooldownHours,
});
const ended = (run: Partial<RunEnded>): RunEnded => ({
  workflowId: 'p-steward-training-1',
  runId: 'r',
  phase: 'training',
  outcome: 'completed',
  ...run,
});

/** A steward that knows who is champion, and has its first training under way. */
function training(cooldownHours = 0): StewardState {
  const steward = new StewardState('p');
  steward.knowChampion(at(0), null);
  steward.requested(at(0), { reason: 'the first', requestId: 'first', triggeredBy: 'ana' });
  steward.decide(at(0), policy(cooldownHours));
  expect(steward.takeDue(at(0))).toMatchObject([
    { phase: 'training', workflowId: 'p-steward-training-1', because: 'the first (1 asked)' },
  ]);
  return steward;
}

describe('the end of a training', () => {
  test('is followed by its cooldown, whether it went well or not; one that was skipped is not', () => {
    for (const [outcome, until] of [
      ['completed', at(7).toISOString()],
      ['failed', at(7).toISOString()],
      ['skipped', null],
    ] as const) {
      const steward = training(6);
      steward.ended(at(1), ended({ outcome }));
      expect(steward.snapshot).toMatchObject({ inFlight: {}, cooldownUntil: until });
    }
  });

  test('that found nothing changed ends the request with that reason, and nothing follows', () => {
    const steward = training(6);
    const summary = 'Nothing changed since version v1 of xgboost.';
    steward.ended(at(1), ended({ outcome: 'skipped', summary }));
    expect(steward.history.at(-1)!.what).toBe(`training skipped: p-steward-training-1, ${summary}`);
    expect(steward.snapshot).toMatchObject({ asked: null, awaitingApproval: null, inFlight: {}, due: {} });
    expect(steward.isDue(at(1_000))).toBe(false);
    expect(steward.hasRequests).toBe(false);
  });

  test('makes inference due for a new champion, and for nothing else', () => {
    for (const [run, due] of [
      [{ newChampion: true, asOf: '2026-01-01' }, { inference: { asOf: '2026-01-01', because: 'a new champion' } }],
      [{ newChampion: false }, {}],
      [{ phase: 'inference', newChampion: true, outcome: 'failed' }, {}],
      [{ phase: 'monitoring', newChampion: true }, {}],
    ] as const) {
      const steward = training();
      steward.ended(at(1), ended(run));
      expect(steward.snapshot.due).toEqual(due);
    }
  });

  test('of another run leaves the one in flight: no second training begins beside it', () => {
    const steward = training();
    steward.ended(at(1), ended({ workflowId: 'by-hand' }));
    expect(steward.snapshot.inFlight.training?.workflowId).toBe('p-steward-training-1');
    steward.requested(at(1), { reason: 'another', requestId: 'another' });
    steward.decide(at(1), policy(0));
    expect(steward.takeDue(at(1))).toEqual([]);
    steward.ended(at(2), ended({}));
    expect(steward.takeDue(at(2))).toMatchObject([{ phase: 'training', workflowId: 'p-steward-training-2' }]);
  });

  test('that told nothing is an end like any other: the cooldown follows, and the champion is looked at again', () => {
    const steward = training(6);
    steward.lost(at(1), 'training', 'p-steward-training-1', 'TERMINATED');
    expect(steward.snapshot).toMatchObject({ inFlight: {}, cooldownUntil: at(7).toISOString() });
    expect(steward.championUnsure).toBe(true);
    expect(steward.history.at(-1)).toEqual({
      at: at(1).toISOString(),
      what: 'training ended as TERMINATED without telling: p-steward-training-1',
    });
  });
});

describe('what is no message', () => {
  const bad: [keyof Pick<StewardState, 'requested' | 'drifted' | 'ended'>, unknown, string][] = [
    [
      'requested',
      undefined,
      'ignored the signal "requestRetrain": expected one JSON object with at least "reason", "requestId", got nothing',
    ],
    ['requested', { reason: 'r', requestId: 'x'.repeat(501) }, 'expected text of 1 to 500 characters'],
    [
      'requested',
      { reason: 'r', requestId: 'r', asof: '2026-01-01' },
      '"asof" is unknown, expected reason, requestId, triggeredBy, asOf',
    ],
    ['requested', JSON.parse('{"reason": "r", "requestId": "r", "__proto__": {}}'), '"__proto__" is unknown'],
    ['drifted', null, 'ignored the signal "driftDetected"'],
    ['drifted', { severity: 'fatal', report: 'r' }, '"severity" is "fatal", expected "moderate" or "severe"'],
    ['ended', [], 'ignored the signal "runEnded"'],
    ['ended', ended({ phase: 'constructor' as never }), '"phase" is "constructor"'],
    ['ended', ended({ asOf: 'soon' }), '"asOf" is "soon", expected an ISO 8601 date'],
  ];
  test.each(bad)('%s(%j) changes nothing, and is noted', (method, message, what) => {
    const steward = training();
    const before = structuredClone(steward.snapshot);
    steward[method](at(1), message as never);
    expect(steward.snapshot).toEqual({
      ...before,
      counts: { ...before.counts, signals: before.counts.signals + 1, ignored: 1 },
    });
    expect(steward.hasRequests).toBe(false);
    expect(steward.history.at(-1)!.what).toContain(what);
  });

  test('does not push out of the history what happened', () => {
    const steward = training();
    for (let i = 0; i < 1_000; i += 1) steward.requested(at(1), { nonsense: i } as never);
    expect(steward.history.some(({ what }) => what.startsWith('training started'))).toBe(true);
    expect(steward.history.filter(({ what }) => what.startsWith('ignored')).length).toBe(50);
  });
});

describe('what is carried to the next run', () => {
  test('stays within a payload, and is accepted there, whatever the steward was sent', () => {
    const steward = new StewardState('p');
    // Three bytes each as UTF-8, the most of any character that one code unit is.
    const long = (length: number, i: number) => `${i}${'漢'.repeat(length)}`.slice(0, length);
    const request = (i: number): RetrainRequest => ({
      reason: long(200, i),
      requestId: long(500, i),
      triggeredBy: long(1_000, i),
      asOf: '2026-01-01T00:00:00.000+00:00',
    });
    for (let i = 0; i < 300; i += 1) {
      steward.requested(at(i), request(i));
      if (i % 10 === 9 && i < 200) steward.decide(at(i), policy(0));
      if (i === 150) steward.takeDue(at(i));
      steward.drifted(at(i), { severity: 'moderate', report: long(450, i) });
      steward.ended(at(i), ended({ phase: 'processing', workflowId: long(1_000, i), summary: long(100_000, i) }));
      steward.moved(
        at(i),
        {
          alias: 'champion',
          model: { algorithm: 'xgboost', version: `v${i}` },
          previous: null,
          at: at(i).toISOString(),
          reason: long(1_000, i),
        },
        long(200, i),
      );
    }
    steward.pause(at(2_000), { by: long(200, 1), reason: long(1_000, 1) });
    steward.holdUp(at(2_000), long(100_000, 1));
    const input = JSON.parse(JSON.stringify({ pipeline: 'p', carried: steward.carried })) as object;
    expect(() => checkPayloads('What is carried', [input], PAYLOAD_LIMIT)).not.toThrow();
    expect(faultsOf(input, STEWARD_INPUT)).toEqual([]);
  });

  test('of an earlier version gets what it lacks', () => {
    const { snapshot, ...others } = training().carried;
    const { ignored, ...counts } = snapshot.counts;
    expect(ignored).toBe(0);
    const steward = new StewardState('p', {
      ...others,
      snapshot: { ...snapshot, counts: counts as typeof snapshot.counts },
    });
    steward.requested(at(1), null as never);
    expect(steward.snapshot.counts).toMatchObject({ ignored: 1, trainings: 1 });
  });
});

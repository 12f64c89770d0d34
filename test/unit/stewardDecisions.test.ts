import { describe, expect, test } from 'vitest';
import type { RetrainCause, RetrainMode, RunEnded, StewardPolicy } from '../../src/contracts/index.js';
import { StewardState } from '../../workflows/support/stewardState.js';

const at = (hours: number) => new Date(Date.UTC(2026, 0, 1, hours));
const iso = (hours: number) => at(hours).toISOString();
const AUTO: Record<RetrainCause, RetrainMode> = {
  drift: 'auto',
  severe_drift: 'auto',
  performance_drop: 'auto',
  new_data: 'auto',
  schedule: 'auto',
};
const policy = (retrain: Partial<Record<RetrainCause, RetrainMode>> = {}, cooldownHours = 0): StewardPolicy => ({
  retrain: { ...AUTO, ...retrain },
  cooldownHours,
});
const ended = (run: Partial<RunEnded>): RunEnded => ({
  workflowId: 'p-steward-training-1',
  runId: 'r',
  phase: 'training',
  outcome: 'completed',
  ...run,
});
const told = (steward: StewardState) => steward.history.map(({ what }) => what);
const request = (requestId: string, reason = 'by hand', asOf?: string) => ({
  reason,
  requestId,
  ...(asOf ? { asOf } : {}),
});

/** A steward that has looked who is champion: there is none. */
function stewardOf(): StewardState {
  const steward = new StewardState('p');
  steward.knowChampion(at(0), null);
  return steward;
}

/** A steward whose requests wait for approval. */
function waiting(...requestIds: string[]): StewardState {
  const steward = stewardOf();
  requestIds.forEach((id, hour) => steward.requested(at(hour), request(id, 'drift')));
  steward.decide(at(9), policy({ drift: 'approve' }));
  return steward;
}

/** A steward with its first training under way. */
function training(cooldownHours = 0): StewardState {
  const steward = stewardOf();
  steward.requested(at(0), request('first'));
  steward.decide(at(0), policy({}, cooldownHours));
  steward.takeDue(at(0));
  return steward;
}

describe('what there is to look into', () => {
  test('a new steward asks who is champion; afterwards there is nothing until something is told', () => {
    const steward = new StewardState('p');
    expect(steward.hasNews).toBe(true);
    steward.knowChampion(at(0), null);
    expect([steward.hasNews, steward.hasRequests]).toEqual([false, false]);
    expect(steward.snapshot).toEqual({
      pipeline: 'p',
      champion: null,
      paused: null,
      heldUp: null,
      asked: null,
      awaitingApproval: null,
      inFlight: {},
      due: {},
      cooldownUntil: null,
      cooldownHours: 0,
      counts: { signals: 0, duplicates: 0, ignored: 0, runs: 0, trainings: 0 },
    });
  });

  test('each kind of news is news by itself', () => {
    const requested = stewardOf();
    requested.requested(at(1), request('a'));
    expect([requested.hasNews, requested.hasRequests]).toEqual([true, true]);
    const processed = stewardOf();
    processed.ended(at(1), ended({ phase: 'processing' }));
    expect([processed.hasNews, processed.hasRequests]).toEqual([true, false]);
    const deployed = stewardOf();
    deployed.moved(
      at(1),
      {
        alias: 'champion',
        model: { algorithm: 'xgboost', version: 'v1' },
        previous: null,
        at: iso(1),
        reason: 'better',
      },
      'ana',
    );
    deployed.championUnsure = false;
    expect(deployed.hasNews).toBe(true);
  });

  test('what is carried to the next run is all there, and is what the next run knows', () => {
    const steward = training();
    steward.requested(at(1), request('second'));
    steward.ended(at(1), ended({ phase: 'processing', workflowId: 'p-processing' }));
    steward.moved(
      at(1),
      {
        alias: 'champion',
        model: { algorithm: 'xgboost', version: 'v1' },
        previous: null,
        at: iso(1),
        reason: 'better',
      },
      'ana',
    );
    const carried = JSON.parse(JSON.stringify(steward.carried)) as StewardState['carried'];
    expect(carried).toMatchObject({
      seen: ['first', 'second'],
      inbox: [{ requestId: 'second' }],
      processed: [{ workflowId: 'p-processing' }],
      deployed: [{ by: 'ana' }],
    });
    const next = new StewardState('p', carried);
    expect(JSON.parse(JSON.stringify(next.carried))).toEqual(carried);
    next.requested(at(2), request('first'));
    expect(next.snapshot.counts).toMatchObject({ signals: 4, duplicates: 1 });
    expect(next.signals).toBe(1);
  });
});

describe('requests', () => {
  test('one id is heard once, however often it comes', () => {
    const steward = stewardOf();
    for (let i = 0; i < 3; i += 1) steward.requested(at(i), request('same'));
    expect(steward.snapshot.counts).toMatchObject({ signals: 3, duplicates: 2, ignored: 0 });
    steward.decide(at(3), policy());
    expect(steward.snapshot.asked).toEqual({ since: iso(3), count: 1, requests: [request('same')] });
    expect(steward.hasRequests).toBe(false);
  });

  test('drift is asked under its report and severity, so that an escalation is heard and a repetition is not', () => {
    const steward = stewardOf();
    for (const severity of ['moderate', 'severe', 'severe', 'moderate'] as const)
      steward.drifted(at(1), { severity, report: 'file:///r', asOf: iso(0) });
    steward.decide(at(2), policy({ drift: 'off', severe_drift: 'approve' }));
    expect(steward.snapshot.counts).toMatchObject({ signals: 4, duplicates: 2, ignored: 0 });
    expect(steward.snapshot.asked).toBeNull();
    expect(steward.snapshot.awaitingApproval?.requests).toEqual([
      { reason: 'severe_drift', triggeredBy: 'monitoring', requestId: 'severe_drift:file:///r', asOf: iso(0) },
    ]);
    expect(told(steward)).toEqual([
      'retrain asked (drift, by monitoring): not trained, as the config says',
      'retrain asked (severe_drift, by monitoring): waits for approval',
    ]);
  });

  test('new data is asked by the run that brought it', () => {
    const steward = stewardOf();
    steward.hasNewData(at(1), ended({ phase: 'processing', workflowId: 'p-processing', runId: 'run-7', asOf: iso(0) }));
    steward.decide(at(1), policy());
    expect(steward.snapshot.asked?.requests).toEqual([
      { reason: 'new_data', triggeredBy: 'p-processing', requestId: 'run-7', asOf: iso(0) },
    ]);
  });

  test('a reason without a policy trains at once, whoever asks', () => {
    const steward = stewardOf();
    steward.requested(at(1), request('a', 'a whim'));
    steward.decide(
      at(1),
      policy({ drift: 'off', severe_drift: 'off', performance_drop: 'off', new_data: 'off', schedule: 'off' }),
    );
    expect(steward.snapshot.asked?.count).toBe(1);
    expect(told(steward)).toEqual(['retrain asked (a whim, by somebody): to be trained']);
  });

  test('of many that wait the newest twenty are named, and all are counted, since the first', () => {
    const steward = stewardOf();
    for (let i = 0; i < 25; i += 1) {
      steward.requested(at(i), request(`r${i}`));
      steward.decide(at(i), policy());
    }
    expect(steward.snapshot.asked).toMatchObject({ since: iso(0), count: 25 });
    expect(steward.snapshot.asked!.requests.map(({ requestId }) => requestId)).toEqual(
      Array.from({ length: 20 }, (_, i) => `r${i + 5}`),
    );
  });

  test('those that are too many to carry along are ignored, which is counted, noted, and lets them come again', () => {
    const steward = stewardOf();
    const big = (i: number) => ({
      ...request(`${i}`.padStart(500, '0'), 'x'.repeat(200)),
      triggeredBy: 'y'.repeat(1_000),
      asOf: iso(0),
    });
    let heard = 0;
    while (steward.snapshot.counts.ignored === 0) {
      steward.requested(at(0), big(heard));
      heard += 1;
    }
    // Each is carried as reason 200, id 500, 200 of who asks, a moment, and the names of the fields.
    const bytes = JSON.stringify({ ...big(0), triggeredBy: 'y'.repeat(200) }).length + 1;
    expect(heard - 1).toBe(Math.floor((50_000 - 1) / bytes));
    expect(told(steward).at(-1)).toMatch(new RegExp(`: ${heard - 1} wait to be looked into already$`));
    steward.decide(at(1), policy());
    steward.requested(at(2), big(heard - 1));
    expect(steward.snapshot.counts).toMatchObject({ duplicates: 0, ignored: 1 });
    expect(steward.hasRequests).toBe(true);
  });

  test('a thousand ids are remembered, the oldest forgotten first', () => {
    const steward = stewardOf();
    for (let i = 0; i < 1_001; i += 1) {
      steward.requested(at(0), request(`r${i}`));
      if (i % 100 === 0) steward.decide(at(0), policy());
    }
    expect(steward.carried.seen).toHaveLength(1_000);
    steward.requested(at(1), request('r1'));
    expect(steward.snapshot.counts.duplicates).toBe(1);
    steward.requested(at(1), request('r0'));
    expect(steward.snapshot.counts.duplicates).toBe(1);
  });

  test('of long ids as many are remembered as 100,000 bytes hold, also after they were carried', () => {
    let steward = stewardOf();
    for (let i = 0; i < 300; i += 1) {
      steward.requested(at(0), request(`${i}`.padStart(500, '-')));
      steward.decide(at(0), policy());
      if (i === 150) steward = new StewardState('p', structuredClone(steward.carried));
    }
    expect(steward.carried.seen).toEqual(Array.from({ length: 200 }, (_, i) => `${i + 100}`.padStart(500, '-')));
  });
});

describe('what a run that ended leads to', () => {
  test('each phase and outcome', () => {
    const after = (run: Partial<RunEnded>) => {
      const steward = stewardOf();
      steward.ended(at(1), ended(run));
      const { snapshot, processed, championUnsure } = steward;
      return { due: snapshot.due, cooldownUntil: snapshot.cooldownUntil, processed: processed.length, championUnsure };
    };
    const nothing = { due: {}, cooldownUntil: null, processed: 0, championUnsure: false };
    expect(after({ phase: 'lifecycle' })).toEqual({ ...nothing, championUnsure: true });
    expect(after({ phase: 'processing' })).toEqual({ ...nothing, processed: 1 });
    for (const outcome of ['failed', 'skipped', 'partial'] as const)
      expect(after({ phase: 'processing', outcome })).toEqual(nothing);
    expect(after({ phase: 'inference', asOf: iso(0) })).toEqual({
      ...nothing,
      due: { monitoring: { asOf: iso(0), because: 'new predictions' } },
    });
    for (const outcome of ['failed', 'skipped', 'partial'] as const)
      expect(after({ phase: 'inference', outcome })).toEqual(nothing);
    for (const outcome of ['completed', 'failed'] as const)
      expect(after({ phase: 'monitoring', outcome })).toEqual(nothing);
    expect(after({ phase: 'training' })).toEqual({ ...nothing, cooldownUntil: iso(1), championUnsure: true });
    expect(after({ phase: 'training', outcome: 'skipped' })).toEqual(nothing);
    expect(after({ phase: 'training', newChampion: true, asOf: iso(0) })).toEqual({
      ...nothing,
      cooldownUntil: iso(1),
      championUnsure: true,
      due: { inference: { asOf: iso(0), because: 'a new champion' } },
    });
  });

  test('is noted with the outcome, the run and what came of it', () => {
    const steward = stewardOf();
    steward.ended(
      at(1),
      ended({ phase: 'inference', workflowId: 'w', outcome: 'failed', summary: 'the store\n is away' }),
    );
    steward.ended(at(2), ended({ phase: 'lifecycle', workflowId: 'l' }));
    expect(steward.history).toEqual([
      { at: iso(1), what: 'inference failed: w, the store is away' },
      { at: iso(2), what: 'lifecycle completed: l' },
    ]);
  });

  test('of processing runs the newest twenty wait to be looked into, without their sentences', () => {
    const steward = stewardOf();
    for (let i = 0; i < 22; i += 1)
      steward.ended(at(i), ended({ phase: 'processing', workflowId: `p${i}`, summary: 'long' }));
    expect(steward.processed.map(({ workflowId }) => workflowId)).toEqual(
      Array.from({ length: 20 }, (_, i) => `p${i + 2}`),
    );
    expect(steward.processed.every(({ summary }) => summary === undefined)).toBe(true);
  });

  test('a training that found another at work asks again for when that one is over', () => {
    const steward = training(6);
    steward.ended(at(1), ended({ outcome: 'skipped', busyWith: 'by-hand' }));
    expect(steward.snapshot.inFlight).toEqual({ training: { workflowId: 'by-hand', startedAt: iso(1) } });
    expect(steward.snapshot.asked).toEqual({ since: iso(0), count: 1, requests: [request('first')] });
    expect(steward.snapshot.cooldownUntil).toBeNull();
    expect(steward.takeDue(at(2))).toEqual([]);
    // The other one found yet another: nothing more is asked for that.
    steward.ended(at(2), ended({ workflowId: 'by-hand', outcome: 'skipped', busyWith: 'a third' }));
    expect(steward.snapshot).toMatchObject({
      asked: { count: 1 },
      inFlight: { training: { workflowId: 'a third', startedAt: iso(2) } },
    });
    steward.ended(at(3), ended({ workflowId: 'a third' }));
    expect(steward.takeDue(at(8))).toEqual([]);
    expect(steward.takeDue(at(9))).toMatchObject([
      { phase: 'training', workflowId: 'p-steward-training-2', because: 'by hand (1 asked)' },
    ]);
  });

  test('a training of others that found one at work changes nothing', () => {
    const steward = training();
    steward.ended(at(1), ended({ workflowId: 'by-hand', outcome: 'skipped', busyWith: 'p-steward-training-1' }));
    expect(steward.snapshot).toMatchObject({
      asked: null,
      inFlight: { training: { workflowId: 'p-steward-training-1', startedAt: iso(0) } },
    });
    const idle = stewardOf();
    idle.ended(at(1), ended({ workflowId: 'by-hand', outcome: 'skipped', busyWith: 'other' }));
    expect(idle.snapshot.inFlight).toEqual({});
  });
});

describe('the champion', () => {
  const model = { algorithm: 'xgboost', version: 'v1' };

  test('that a person moved past the steward is noted, and rows are due to be predicted with it; seen again it is not', () => {
    const steward = stewardOf();
    steward.knowChampion(at(1), { ...model, person: 'ana' });
    expect(told(steward)).toEqual(['champion is xgboost v1, by ana']);
    expect(steward.snapshot).toMatchObject({ champion: model, due: { inference: { because: 'a new champion' } } });
    expect(steward.championUnsure).toBe(false);
    delete steward.snapshot.due.inference;
    steward.knowChampion(at(2), { ...model, person: 'ana' });
    expect(told(steward)).toHaveLength(1);
    expect(steward.snapshot.due).toEqual({});
    steward.knowChampion(at(3), { ...model, version: 'v2', person: 'ana' });
    steward.knowChampion(at(4), { algorithm: 'random_forest', version: 'v2', person: 'ana' });
    expect(told(steward).slice(1)).toEqual(['champion is xgboost v2, by ana', 'champion is random_forest v2, by ana']);
  });

  test('that a run made is noted only, as the run sees to what follows', () => {
    const steward = stewardOf();
    steward.knowChampion(at(1), { ...model, person: null });
    expect(told(steward)).toEqual(['champion is xgboost v1']);
    expect(steward.snapshot).toMatchObject({ champion: model, due: {} });
    steward.knowChampion(at(2), null);
    expect(steward.snapshot.champion).toBeNull();
    expect(told(steward)).toHaveLength(1);
  });

  test('that a person moved by way of the steward is told with who, why and what it replaced', () => {
    const steward = stewardOf();
    const previous = { algorithm: 'random_forest', version: 'v0' };
    steward.moved(at(1), { alias: 'champion', model, previous, at: iso(0), reason: 'better' }, 'ana');
    expect(told(steward)).toEqual(['champion moved to xgboost v1 by ana: better']);
    expect(steward.deployed).toEqual([
      { condition: 'model_deployed', pipeline: 'p', at: iso(1), model, previous, by: 'ana', reason: 'better' },
    ]);
    expect(steward.snapshot).toMatchObject({ champion: model, due: { inference: { because: 'a new champion' } } });
    expect(steward.championUnsure).toBe(true);
    for (let i = 2; i < 24; i += 1)
      steward.moved(
        at(i),
        { alias: 'champion', model: { ...model, version: `v${i}` }, previous, at: iso(i), reason: 'better' },
        'ana',
      );
    expect(steward.deployed.map(({ model: { version } }) => version)).toEqual(
      Array.from({ length: 20 }, (_, i) => `v${i + 4}`),
    );
  });
});

describe('what stands in the way', () => {
  test('is noted once, with the moment it began; another reason is noted as well', () => {
    const steward = stewardOf();
    steward.goOn(at(0));
    steward.holdUp(at(1), 'no config');
    steward.holdUp(at(2), 'no config');
    expect(steward.snapshot.heldUp).toEqual({ since: iso(1), reason: 'no config' });
    steward.holdUp(at(3), 'bad config');
    expect(steward.snapshot.heldUp).toEqual({ since: iso(1), reason: 'bad config' });
    steward.goOn(at(4));
    expect(steward.snapshot.heldUp).toBeNull();
    expect(steward.history).toEqual([
      { at: iso(1), what: 'held up: no config' },
      { at: iso(3), what: 'held up: bad config' },
      { at: iso(4), what: 'no longer held up' },
    ]);
  });
});

describe('approval', () => {
  test('of all that waits lets one training answer it', () => {
    const steward = waiting('a', 'b');
    expect(steward.isDue(at(10))).toBe(false);
    expect(steward.approve(at(10), { by: 'ana', reason: 'go' })).toEqual({
      approved: true,
      requests: 2,
      startsAt: iso(10),
    });
    expect(told(steward).at(-1)).toBe('retrain approved by ana: go');
    expect(steward.snapshot).toMatchObject({ awaitingApproval: null, asked: { count: 2, since: iso(9) } });
    expect(steward.takeDue(at(10))).toEqual([
      { phase: 'training', workflowId: 'p-steward-training-1', asOf: undefined, because: 'drift (2 asked)' },
    ]);
  });

  test.each([
    ['what was approved', 'drift', 'by hand'],
    ['what was asked besides', 'by hand', 'drift'],
  ])('counts from the first of all that is asked then: %s', (_, first, second) => {
    const steward = stewardOf();
    [first, second].forEach((reason, i) => {
      steward.requested(at(3 + i), request(reason, reason));
      steward.decide(at(3 + i), policy({ drift: 'approve' }));
    });
    steward.approve(at(6), { by: 'ana' });
    expect(steward.snapshot.asked).toMatchObject({ since: iso(3), count: 2 });
  });

  test('of one request leaves the others waiting', () => {
    const steward = waiting('a', 'b', 'c');
    expect(steward.approve(at(10), { by: 'ana', requestId: 'b' })).toEqual({
      approved: true,
      requests: 1,
      startsAt: iso(10),
    });
    expect(told(steward).at(-1)).toBe('retrain approved by ana (b)');
    expect(steward.snapshot.asked).toEqual({ since: iso(9), count: 1, requests: [request('b', 'drift')] });
    expect(steward.snapshot.awaitingApproval).toEqual({
      since: iso(9),
      count: 2,
      requests: [request('a', 'drift'), request('c', 'drift')],
    });
    steward.approve(at(10), { by: 'ana', requestId: 'a' });
    steward.approve(at(10), { by: 'ana', requestId: 'c' });
    expect(steward.snapshot.awaitingApproval).toBeNull();
    expect(steward.snapshot.asked?.count).toBe(3);
  });

  test('of a request that does not wait, or where none does, approves nothing', () => {
    const steward = waiting('a');
    expect(steward.approve(at(10), { by: 'ana', requestId: 'z' })).toMatchObject({ requests: 0 });
    expect(steward.snapshot.awaitingApproval?.count).toBe(1);
    expect(stewardOf().approve(at(10), { by: 'ana' })).toMatchObject({ approved: true, requests: 0 });
    expect(stewardOf().approve(at(10), { by: 'ana', requestId: 'z' })).toMatchObject({ approved: true, requests: 0 });
  });

  test('declined strikes off what waits, and nothing is trained', () => {
    const steward = waiting('a', 'b');
    expect(steward.approve(at(10), { by: 'ana', approved: false })).toEqual({
      approved: false,
      requests: 2,
      startsAt: null,
    });
    expect(told(steward).at(-1)).toBe('retrain declined by ana');
    expect(steward.snapshot).toMatchObject({ asked: null, awaitingApproval: null });
    expect(steward.takeDue(at(10))).toEqual([]);
  });

  test('says when the training may start: after the cooldown, now, or not while paused', () => {
    const cooling = training(6);
    cooling.ended(at(1), ended({}));
    expect(cooling.approve(at(2), { by: 'ana' }).startsAt).toBe(iso(7));
    expect(cooling.approve(at(8), { by: 'ana' }).startsAt).toBe(iso(8));
    cooling.pause(at(8), { by: 'ana' });
    expect(cooling.approve(at(8), { by: 'ana' }).startsAt).toBeNull();
  });
});

describe('pausing', () => {
  test('nothing starts until it is resumed; both are noted with who and why', () => {
    const steward = training();
    steward.ended(at(1), ended({ newChampion: true }));
    steward.requested(at(1), request('second'));
    steward.decide(at(1), policy());
    steward.pause(at(2), { by: 'ana', reason: 'holidays' });
    expect(steward.snapshot.paused).toEqual({ by: 'ana', reason: 'holidays', at: iso(2) });
    expect([steward.isDue(at(3)), steward.takeDue(at(3)), steward.nextMoment()]).toEqual([false, [], undefined]);
    steward.resume(at(4), { by: 'eva', reason: 'back' });
    expect(steward.snapshot.paused).toBeNull();
    expect(steward.isDue(at(4))).toBe(true);
    expect(steward.takeDue(at(4)).map(({ phase }) => phase)).toEqual(['training', 'inference']);
    expect(told(steward)).toEqual(expect.arrayContaining(['paused by ana: holidays', 'resumed by eva: back']));
    steward.pause(at(5), { by: 'ana' });
    steward.resume(at(5), { by: 'eva' });
    expect(told(steward).slice(-2)).toEqual(['paused by ana', 'resumed by eva']);
  });
});

describe('what is started', () => {
  test('a training answers all that was asked, what waits for approval included, at the latest moment asked for', () => {
    const steward = stewardOf();
    steward.requested(at(0), request('a', 'drift', '2026-01-01T09:00:00+02:00'));
    steward.requested(at(0), request('b', 'new_data', '2026-01-01T08:00:00Z'));
    steward.requested(at(0), request('c', 'drift', '2026-01-01T07:30:00Z'));
    steward.decide(at(1), policy({ drift: 'approve' }));
    expect(steward.takeDue(at(2))).toEqual([
      {
        phase: 'training',
        workflowId: 'p-steward-training-1',
        asOf: '2026-01-01T08:00:00Z',
        because: 'new_data, drift (3 asked)',
      },
    ]);
    expect(steward.snapshot).toMatchObject({
      asked: null,
      awaitingApproval: null,
      inFlight: { training: { workflowId: 'p-steward-training-1', startedAt: iso(2), answers: { count: 3 } } },
      counts: { runs: 1, trainings: 1 },
    });
    expect(told(steward).at(-1)).toBe('training started because of new_data, drift (3 asked): p-steward-training-1');
  });

  test('at no given moment where one request gives none', () => {
    const steward = stewardOf();
    steward.requested(at(0), request('a', 'drift', iso(0)));
    steward.requested(at(0), request('b'));
    steward.decide(at(1), policy());
    expect(steward.takeDue(at(2))).toMatchObject([{ asOf: undefined }]);
  });

  test('what is asked while a training is under way waits for its end and the cooldown', () => {
    const steward = training(6);
    steward.requested(at(1), request('second'));
    steward.decide(at(1), policy({}, 6));
    expect([steward.isDue(at(1)), steward.takeDue(at(1)), steward.nextMoment()]).toEqual([false, [], undefined]);
    steward.ended(at(2), ended({}));
    expect([steward.isDue(at(7)), steward.takeDue(at(7))]).toEqual([false, []]);
    expect(steward.nextMoment()).toEqual(at(8));
    expect(steward.isDue(at(8))).toBe(true);
    expect(steward.takeDue(at(8))).toHaveLength(1);
    expect(steward.nextMoment()).toBeUndefined();
  });

  test('a cooldown is a year at most; with nothing asked, time alone makes nothing due', () => {
    const steward = stewardOf();
    steward.decide(at(0), policy({}, 1e9));
    expect(steward.snapshot.cooldownHours).toBe(24 * 366);
    steward.ended(at(0), ended({ workflowId: 'by-hand' }));
    expect(steward.snapshot.cooldownUntil).toBe(iso(24 * 366));
    expect(steward.nextMoment()).toBeUndefined();
    expect(steward.isDue(at(1e5))).toBe(false);
  });

  test('inference and monitoring start when due, one of each at a time', () => {
    const steward = stewardOf();
    steward.ended(at(1), ended({ phase: 'inference', workflowId: 'by-hand', asOf: iso(1) }));
    expect(steward.isDue(at(1))).toBe(true);
    steward.championChanged(iso(0));
    expect(steward.takeDue(at(2))).toEqual([
      { phase: 'inference', workflowId: 'p-steward-inference-1', asOf: iso(0), because: 'a new champion' },
      { phase: 'monitoring', workflowId: 'p-steward-monitoring-2', asOf: iso(1), because: 'new predictions' },
    ]);
    expect(steward.snapshot).toMatchObject({
      due: {},
      counts: { runs: 2, trainings: 0 },
      inFlight: { inference: { startedAt: iso(2) }, monitoring: { startedAt: iso(2) } },
    });
    expect(told(steward).slice(-2)).toEqual([
      'inference started because of a new champion: p-steward-inference-1',
      'monitoring started because of new predictions: p-steward-monitoring-2',
    ]);
    steward.championChanged(iso(3));
    steward.ended(at(3), ended({ phase: 'inference', workflowId: 'by-hand' }));
    expect([steward.isDue(at(3)), steward.takeDue(at(3))]).toEqual([false, []]);
    steward.lost(at(4), 'monitoring', 'p-steward-monitoring-2', 'TERMINATED');
    expect(steward.isDue(at(4))).toBe(true);
    expect(steward.takeDue(at(4)).map(({ phase }) => phase)).toEqual(['monitoring']);
    steward.lost(at(5), 'inference', 'p-steward-inference-1', 'TERMINATED');
    expect(steward.isDue(at(5))).toBe(true);
    expect(steward.takeDue(at(5))).toMatchObject([{ phase: 'inference', asOf: iso(3) }]);
    expect(steward.snapshot.cooldownUntil).toBeNull();
  });
});

describe('the history', () => {
  test('keeps the newest 200 events, each on one line of 500 bytes at most', () => {
    const steward = stewardOf();
    for (let i = 0; i < 205; i += 1) steward.note(at(i), `event ${i}`);
    expect(steward.history).toHaveLength(200);
    expect([steward.history[0], steward.history[199]]).toEqual([
      { at: iso(5), what: 'event 5' },
      { at: iso(204), what: 'event 204' },
    ]);
    steward.note(at(1), `a \n\t b ${'x'.repeat(600)}`);
    expect(told(steward).at(-1)).toMatch(/^a b x+\.\.\.$/);
    expect(told(steward).at(-1)!.length).toBeLessThanOrEqual(500);
  });

  test('of messages that were ignored the newest fifty are kept, and of the rest nothing is lost to them', () => {
    const steward = stewardOf();
    steward.note(at(0), 'before');
    for (let i = 0; i < 52; i += 1) steward.ignored(at(i), 'nonsense', `fault ${i}`);
    expect(told(steward)).toEqual([
      'before',
      ...Array.from({ length: 50 }, (_, i) => `ignored the signal "nonsense": fault ${i + 2}`),
    ]);
    expect(steward.snapshot.counts).toMatchObject({ signals: 52, ignored: 52 });
  });
});

import type { VNode } from 'preact';
import type { VersionRef } from '../contracts/index.js';
import { measuredWith, type VersionReadiness } from '../registry/readiness.js';
import { Passed, Section, Table } from './components.js';

/** What the model tests measured of the challenger before it could go to staging. */
export function ModelTests({
  challenger: { algorithm, version },
  readiness,
}: {
  challenger: VersionRef;
  readiness: VersionReadiness | undefined;
}): VNode {
  return (
    <Section id="tests" title="Model tests">
      {readiness ? (
        <>
          <p>
            {algorithm} {version}{' '}
            {readiness.passed
              ? 'passed its tests and went to staging.'
              : 'did not pass its tests: staging and champion stay with the versions before.'}{' '}
            <span class="quiet">Measured {measuredWith(readiness)}.</span>
          </p>
          <div class="card">
            <Table
              heads={['test', 'limit', 'value', 'verdict', 'more']}
              rows={readiness.tests.map(({ test, expected, actual, passed, detail = '' }) => [
                test.replaceAll('_', ' '),
                expected,
                actual,
                <Passed passed={passed} />,
                detail,
              ])}
            />
          </div>
        </>
      ) : (
        <p class="quiet">
          {algorithm} {version} was not tested.
        </p>
      )}
    </Section>
  );
}

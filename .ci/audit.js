// Asks the registry for known vulnerabilities of what is installed to run. Ends with 1 where one is high or critical,
// and with 3 where the registry can't be asked, which says nothing about the code.
import { spawnSync } from 'node:child_process';

const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
  encoding: 'utf8',
  maxBuffer: 64 << 20,
  timeout: 120_000,
});
const report = parse(stdout);
if (!report?.metadata?.vulnerabilities) {
  const why = report?.message ?? report?.error?.summary ?? 'no answer';
  console.log(
    `Dependencies could not be audited: npm's registry doesn't answer the question here (${why.split(' - ')[0].trim()}).`,
  );
  process.exit(3);
}

const grave = Object.values(report.vulnerabilities).filter(({ severity }) => ['high', 'critical'].includes(severity));
for (const { name, severity, range, via } of grave) {
  const what = via.map((cause) => (typeof cause === 'string' ? `by way of ${cause}` : `${cause.title}, ${cause.url}`));
  console.log(`${severity}: ${name} ${range} (${what.join('; ')})`);
}
const counts = Object.entries(report.metadata.vulnerabilities).filter(
  ([severity, count]) => severity !== 'total' && count > 0,
);
console.log(
  `Known vulnerabilities: ${counts.map(([severity, count]) => `${count} ${severity}`).join(', ') || 'none'}.`,
);
process.exit(grave.length > 0 ? 1 : 0);

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

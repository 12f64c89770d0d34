// node setup/downloadServer.js <createLocal|createTimeSkipping> <folder>
// Has the Temporal SDK download a server into a folder. The SDK downloads only as it starts one, so one is started
// and ended. In a process of its own, as the SDK's download can't be interrupted and this process can.
import { TestWorkflowEnvironment } from '@temporalio/testing';

const [create, downloadDir] = process.argv.slice(2);
try {
  const environment = await TestWorkflowEnvironment[create]({
    server: { executable: { type: 'cached-download', downloadDir } },
  });
  await environment.teardown();
} catch (error) {
  // The SDK's message repeats the address at every layer; the innermost layers say why.
  process.stderr.write(`${error.message.split(': ').slice(-2).join(': ')}\n`);
  process.exitCode = 1;
}

import type { Task } from '@aws-sdk/client-ecs';
import type { TaskUse } from '../../contracts/index.js';

/** What an ended task took; nothing where it never began to pull its image, or has no size of its own, as on EC2. */
export function usesOf({
  taskArn,
  taskDefinitionArn,
  cpu,
  memory,
  pullStartedAt,
  startedAt,
  stoppedAt,
}: Task): TaskUse[] {
  const from = pullStartedAt ?? startedAt;
  if (!from || !stoppedAt || !cpu || !memory) return [];
  return [
    {
      task: taskArn!,
      definition: familyOf(taskDefinitionArn!),
      vcpus: Number(cpu) / 1024,
      gb: Number(memory) / 1024,
      from: from.toISOString(),
      to: stoppedAt.toISOString(),
    },
  ];
}

/** `arn:aws:ecs:<region>:<account>:task-definition/<family>:<revision>` */
function familyOf(taskDefinitionArn: string): string {
  return taskDefinitionArn.replace(/^.*task-definition\//, '').replace(/:\d+$/, '');
}

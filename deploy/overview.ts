import { Duration } from 'aws-cdk-lib';
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import { AlarmStatusWidget, Dashboard, GraphWidget, Metric, type IWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { Alarms } from './alarms.js';
import type { Settings } from './settings.js';
import type { WorkerService } from './workers.js';

const WIDTH = 8;

/** One page of CloudWatch: which alarms stand, and for each worker its tasks, load and errors. Runs and models are Temporal's and Perdure's own pages. */
export class Overview extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { settings, workers, alarms }: { settings: Settings; workers: WorkerService[]; alarms: Alarms },
  ) {
    super(scope, id);
    const dashboard = new Dashboard(this, 'Dashboard', {
      dashboardName: settings.name,
      defaultInterval: Duration.days(1),
    });
    dashboard.addWidgets(new AlarmStatusWidget({ title: 'Alarms', alarms: alarms.all, width: WIDTH * 3, height: 4 }));
    for (const worker of workers) dashboard.addWidgets(...widgetsOf(settings, worker));
  }
}

function widgetsOf({ name }: Settings, { node, service, backlog }: WorkerService): IWidget[] {
  const period = Duration.minutes(5);
  const dimensionsMap = { ClusterName: service.cluster.clusterName, ServiceName: service.serviceName };
  const running = new Metric({
    namespace: 'ECS/ContainerInsights',
    metricName: 'RunningTaskCount',
    dimensionsMap,
    statistic: 'Average',
    period,
  });
  const errors = new Metric({ namespace: `Perdure/${name}`, metricName: `${node.id}Errors`, statistic: 'Sum', period });
  return [
    new GraphWidget({ title: `${node.id}: tasks, and work that waits`, left: [running, backlog], width: WIDTH }),
    new GraphWidget({
      title: `${node.id}: CPU and memory in %`,
      left: [service.metricCpuUtilization({ period }), service.metricMemoryUtilization({ period })],
      width: WIDTH,
    }),
    new GraphWidget({ title: `${node.id}: lines at ERROR`, left: [errors], width: WIDTH }),
  ];
}

/** Tells by e-mail at 80 % of the month's money, and where the forecast goes beyond it. Counts what is tagged as Perdure's. */
export function limitCosts(
  scope: Construct,
  { name }: Settings,
  { usd, email }: NonNullable<Settings['budget']>,
): void {
  const subscribers = [{ subscriptionType: 'EMAIL', address: email }];
  const notification = (notificationType: string, threshold: number) => ({
    notification: { notificationType, comparisonOperator: 'GREATER_THAN', threshold, thresholdType: 'PERCENTAGE' },
    subscribers,
  });
  new CfnBudget(scope, 'Budget', {
    budget: {
      budgetName: name,
      budgetType: 'COST',
      timeUnit: 'MONTHLY',
      budgetLimit: { amount: usd, unit: 'USD' },
      costFilters: { TagKeyValue: ['user:application$perdure'] },
    },
    notificationsWithSubscribers: [notification('ACTUAL', 80), notification('FORECASTED', 100)],
  });
}

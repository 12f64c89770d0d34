import type { Template } from 'aws-cdk-lib/assertions';

/** One thing that somebody wants to do. */
export interface Request {
  action: string;
  resource: string;
  /** What conditions look at, such as `ecs:cluster`; keys that aren't given don't match. */
  context?: Record<string, string>;
}

/** One action on one pattern of resources that a policy allows. */
export interface Permission {
  action: string;
  resource: string;
}

interface Statement {
  Effect: 'Allow' | 'Deny';
  Action: string | string[];
  Resource: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}

interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
}

export const ACCOUNT = '123456789012';
export const REGION = 'eu-west-1';
const PSEUDO: Record<string, string> = {
  'AWS::Partition': 'aws',
  'AWS::Region': REGION,
  'AWS::AccountId': ACCOUNT,
  'AWS::URLSuffix': 'amazonaws.com',
};

/**
 * Answers what IAM would by the policies of a role in a template: denied where a statement denies, else allowed where
 * one allows. Knows what these templates use: `*` in actions and resources, `StringEquals`, `ArnEquals`, `Bool` and
 * `Null`; throws for anything else. Who asks is named by the family of a task definition, or by a role's name.
 */
export class Policies {
  private readonly resources: Record<string, Resource>;

  constructor(template: Template) {
    this.resources = (template.toJSON() as { Resources: Record<string, Resource> }).Resources;
  }

  /** Whether the role may do it. */
  allows(who: string, request: Request): boolean {
    const matching = this.matching(who, request);
    return matching.some(({ Effect }) => Effect === 'Allow') && !matching.some(({ Effect }) => Effect === 'Deny');
  }

  /** Every action and pattern of resources that a role's policies allow. */
  permissionsOf(who: string): Permission[] {
    return this.statementsOf(this.roleOf(who))
      .filter(({ Effect }) => Effect === 'Allow')
      .flatMap(({ Action, Resource }) =>
        listOf(Action).flatMap((action) =>
          listOf(Resource).map((resource) => ({ action, resource: this.resolve(resource) })),
        ),
      );
  }

  private matching(who: string, { action, resource, context = {} }: Request): Statement[] {
    return this.statementsOf(this.roleOf(who)).filter(
      (statement) =>
        listOf(statement.Action).some((pattern) => matches(String(pattern), action)) &&
        listOf(statement.Resource).some((pattern) => matches(this.resolve(pattern), resource)) &&
        this.holds(statement.Condition ?? {}, context),
    );
  }

  /** Every action that a role's policies allow, as they write it. */
  actionsOf(family: string): string[] {
    const allowed = this.statementsOf(this.roleOf(family)).filter(({ Effect }) => Effect === 'Allow');
    return [...new Set(allowed.flatMap(({ Action }) => listOf(Action)))].sort();
  }

  /** ARN of the role that the container of a task definition has, or the one that starts it. */
  roleArn(family: string, which: 'TaskRoleArn' | 'ExecutionRoleArn' = 'TaskRoleArn'): string {
    return this.resolve({ 'Fn::GetAtt': [this.roleOf(family, which), 'Arn'] });
  }

  /** ARN of the template's one key. */
  get keyArn(): string {
    return this.arnOf(Object.keys(this.resources).find((id) => this.resources[id]!.Type === 'AWS::KMS::Key')!);
  }

  private roleOf(family: string, which: 'TaskRoleArn' | 'ExecutionRoleArn' = 'TaskRoleArn'): string {
    const [named] =
      Object.entries(this.resources).find(
        ([, { Type, Properties }]) => Type === 'AWS::IAM::Role' && Properties.RoleName === family,
      ) ?? [];
    if (named) return named;
    const definition = Object.values(this.resources).find(
      ({ Type, Properties }) => Type === 'AWS::ECS::TaskDefinition' && Properties.Family === family,
    );
    if (!definition) throw new Error(`There is no task definition ${family}.`);
    const {
      'Fn::GetAtt': [role],
    } = definition.Properties[which] as { 'Fn::GetAtt': [string, string] };
    return role;
  }

  /** What a role's own policy has no room for stands in managed ones. */
  private statementsOf(role: string): Statement[] {
    return Object.values(this.resources)
      .filter(
        ({ Type, Properties }) =>
          ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].includes(Type) &&
          ((Properties.Roles ?? []) as { Ref: string }[]).some(({ Ref }) => Ref === role),
      )
      .flatMap(({ Properties }) => (Properties.PolicyDocument as { Statement: Statement[] }).Statement);
  }

  private holds(conditions: NonNullable<Statement['Condition']>, context: Record<string, string>): boolean {
    return Object.entries(conditions).every(([operator, wanted]) =>
      Object.entries(wanted).every(([key, value]) => {
        const expected = listOf(value).map((each) => this.resolve(each));
        switch (operator) {
          case 'StringEquals':
          case 'ArnEquals':
          case 'Bool':
            return expected.includes(context[key]!);
          case 'Null':
            return String(context[key] === undefined) === expected[0];
          default:
            throw new Error(`The condition ${operator} is not understood.`);
        }
      }),
    );
  }

  /** The string that CloudFormation would make of a value. */
  private resolve(value: unknown): string {
    if (typeof value === 'string') return value;
    const [[name, argument]] = Object.entries(value as Record<string, unknown>) as [[string, unknown]];
    switch (name) {
      case 'Ref':
        return PSEUDO[argument as string] ?? this.nameOf(argument as string);
      case 'Fn::GetAtt':
        return this.arnOf((argument as [string, string])[0]);
      case 'Fn::Join': {
        const [separator, parts] = argument as [string, unknown[]];
        return parts.map((part) => this.resolve(part)).join(separator);
      }
      case 'Fn::Select': {
        const [index, list] = argument as [number | string, { 'Fn::Split': [string, unknown] }];
        const [separator, text] = list['Fn::Split'];
        return this.resolve(text).split(separator)[Number(index)]!;
      }
      default:
        throw new Error(`${name} is not understood.`);
    }
  }

  private nameOf(id: string): string {
    const { Type, Properties } = this.resources[id]!;
    return Type === 'AWS::ECS::Cluster' ? (Properties.ClusterName as string) : id;
  }

  private arnOf(id: string): string {
    const { Type, Properties } = this.resources[id]!;
    switch (Type) {
      case 'AWS::S3::Bucket':
        return `arn:aws:s3:::${Properties.BucketName as string}`;
      case 'AWS::ECS::Cluster':
        return `arn:aws:ecs:${REGION}:${ACCOUNT}:cluster/${Properties.ClusterName as string}`;
      case 'AWS::Logs::LogGroup':
        return `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${Properties.LogGroupName as string}:*`;
      case 'AWS::IAM::Role':
        return `arn:aws:iam::${ACCOUNT}:role/${id}`;
      case 'AWS::KMS::Key':
        return `arn:aws:kms:${REGION}:${ACCOUNT}:key/${id}`;
      default:
        throw new Error(`The ARN of a ${Type} is not understood.`);
    }
  }
}

function listOf<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}

/** As IAM compares: `*` is any characters, `?` any one. */
export function matches(pattern: string, text: string): boolean {
  const regex = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${regex}$`, 's').test(text);
}

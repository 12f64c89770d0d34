import { z } from 'zod';
import type { AlertCondition, AlertLevel } from '../../contracts/index.js';
import { sha256 } from '../storage/checksum.js';
import { adviceShape } from './advice.js';

/** Something that somebody should know. */
export const alertSchema = z.strictObject({
  level: z.enum(['critical', 'warning', 'info'] satisfies AlertLevel[]),
  condition: z.string() as unknown as z.ZodType<AlertCondition>,
  pipeline: z.string(),
  /** What is the matter, in a sentence. */
  summary: z.string(),
  /** The facts behind it, by name, in the order in which they are shown. */
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  /** What the alert is about: two alerts with one key tell the same thing. May stand in an object's key. */
  dedupKey: z.string(),
  /** ISO 8601 instant at which the condition was seen. */
  at: z.string(),
  /** Hours after which the same thing is told again, if it still holds; told once where absent. */
  repeatAfterHours: z.number().optional(),
  ...adviceShape,
});
export type Alert = z.infer<typeof alertSchema>;

const PLAIN_PART = /^[A-Za-z0-9][A-Za-z0-9._-]{0,47}$/;

/**
 * The key of what an alert is about: `churn/sla_missed/<run id>`. Parts that can't stand in an object's key, or
 * are long, are shortened to letters, digits and the start of their SHA-256; PagerDuty takes 255 characters in all.
 */
export function dedupKey(pipeline: string, condition: AlertCondition, ...about: string[]): string {
  return [pipeline, condition, ...about].map(plainPart).join('/');
}

function plainPart(part: string): string {
  if (PLAIN_PART.test(part)) return part;
  return `${part.replace(/[^A-Za-z0-9.]+/g, '-').slice(0, 39)}-${sha256(part).slice(0, 8)}`;
}

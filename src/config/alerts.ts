import { z } from 'zod';
import { ALERT_CONDITIONS } from '../contracts/index.js';

/** Up to a year. */
const minutes = z.number().min(0.001).max(527_040);

/**
 * When somebody is told. The defaults are the operating model's; drift and the smaller drop in performance go by
 * `monitoring_config`, which has assessed them already.
 */
export const AlertThresholds = z.strictObject({
  processing_failures: z
    .int()
    .min(1)
    .max(1_000)
    .default(3)
    .describe('Failed processing runs in a row from which it is critical'),
  inference_down_hours: z
    .number()
    .min(0.001)
    .max(8_784)
    .default(2)
    .describe('Hours without due predictions beyond which it is critical'),
  accuracy_drop: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe(
      'Drop of the monitored metric against its baseline, as a difference of the two, beyond which it is critical',
    ),
  data_volume_factor: z
    .number()
    .min(1.001)
    .max(1_000_000)
    .default(2)
    .describe('How many times more or fewer rows than the median of those before are unusual'),
  data_volume_history: z
    .int()
    .min(1)
    .max(1_000)
    .default(3)
    .describe('Earlier counts below which nothing is called unusual'),
  sla_minutes: z
    .strictObject({
      processing: minutes.default(30).describe('Minutes of processing'),
      training: minutes.default(240).describe('Minutes of training'),
      inference: minutes.default(15).describe('Minutes of inference'),
      monitoring: minutes.default(30).describe('Minutes of monitoring'),
    })
    .prefault({})
    .describe('Minutes that a run of each phase may take'),
  email: z
    .array(z.enum(ALERT_CONDITIONS))
    .default([])
    .describe('Conditions that are told by e-mail as well, whatever the channel of their level'),
  repeat_after_hours: z
    .number()
    .min(0.001)
    .max(8_784)
    .default(24)
    .describe('Hours after which a condition that lasts is told again'),
});
export type AlertThresholds = z.infer<typeof AlertThresholds>;

import { variables, type Variables } from '../../environment.js';
import { PerdureError } from '../../errors.js';

/** An MLflow tracking server, and how one speaks with it. */
export interface TrackingServer {
  /** Its address, without credentials and without a slash at the end. */
  address: string;
  /** What every request carries. */
  headers: Record<string, string>;
  /** Texts that no log may have. */
  secrets: string[];
}

/** The variable without which nothing is written. */
export const TRACKING_URI = 'MLFLOW_TRACKING_URI';

/**
 * The server that the environment names, in MLflow's own variables: `MLFLOW_TRACKING_URI`, and `MLFLOW_TRACKING_TOKEN` or
 * `MLFLOW_TRACKING_USERNAME` with `MLFLOW_TRACKING_PASSWORD`. `undefined` where it names none.
 *
 * @throws PerdureError `ConfigInvalid` for an address that is not of HTTP, without repeating it
 */
export function trackingServer(env: Variables = variables()): TrackingServer | undefined {
  const uri = env[TRACKING_URI]?.trim();
  if (!uri) return undefined;
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new PerdureError(
      'ConfigInvalid',
      `${TRACKING_URI} is not an address that starts with http:// or https://; name an MLflow server that way, or unset it.`,
    );
  }
  const token = env.MLFLOW_TRACKING_TOKEN;
  const user = env.MLFLOW_TRACKING_USERNAME ?? decodeURIComponent(url.username);
  const password = env.MLFLOW_TRACKING_PASSWORD ?? decodeURIComponent(url.password);
  const basic = user || password ? Buffer.from(`${user}:${password}`).toString('base64') : undefined;
  const authorization = token ? `Bearer ${token}` : basic && `Basic ${basic}`;
  return {
    address: `${url.origin}${url.pathname}`.replace(/\/+$/, ''),
    headers: authorization ? { authorization } : {},
    secrets: [token, password, basic].filter((secret): secret is string => Boolean(secret)),
  };
}

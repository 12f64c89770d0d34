import { openAsBlob } from 'node:fs';
import { messageOf } from '../../errors.js';
import type { TrackingServer } from './settings.js';

/** Longer than any answer takes of a server that is well: what is written meanwhile is not lost. */
const ANSWER_MS = 15_000;

/** Characters of an answer that are worth repeating. */
const ANSWER_LENGTH = 300;

/** What the server refused, or that it did not answer. The message has no secrets. */
export class MlflowError extends Error {
  override readonly name = 'MlflowError';

  /**
   * @param code MLflow's `error_code`, where it gave one
   * @param isAway whether it is the server that is away, and not this request that is refused
   */
  constructor(
    message: string,
    readonly isAway: boolean,
    readonly code?: string,
  ) {
    super(message);
  }
}

/**
 * MLflow's REST API (`/api/2.0`), and its proxy of artifacts. A request is tried once: what isn't written is written
 * later, and whoever writes looks first at what is there.
 */
export class MlflowClient {
  constructor(
    private readonly server: TrackingServer,
    private readonly signal: AbortSignal,
    private readonly answerMs = ANSWER_MS,
  ) {}

  /** Where people look at something, below the address of the server. */
  page(path: string): string {
    return `${this.server.address}/#/${path}`;
  }

  get<Answer>(path: string, query: Record<string, string> = {}): Promise<Answer> {
    return this.request('GET', `mlflow/${path}?${new URLSearchParams(query).toString()}`);
  }

  post<Answer>(path: string, body: object): Promise<Answer> {
    return this.request('POST', `mlflow/${path}`, JSON.stringify(body));
  }

  patch<Answer>(path: string, body: object): Promise<Answer> {
    return this.request('PATCH', `mlflow/${path}`, JSON.stringify(body));
  }

  /**
   * Puts a file, or a text, among the artifacts of a run or a model.
   * @param root `artifact_uri` of the run or model
   * @param path below it
   */
  async putArtifact(root: string, path: string, content: { file: string } | { text: string }): Promise<void> {
    const proxy = `${this.server.address}/api/2.0/mlflow-artifacts/artifacts/`;
    const proxied =
      /^mlflow-artifacts:\/([^/].*)$/.exec(root)?.[1] ?? (root.startsWith(proxy) && root.slice(proxy.length));
    if (!proxied) {
      throw new MlflowError(
        `its artifacts lie at ${root}, outside the server; start it with --serve-artifacts, and name another experiment, as one keeps where its artifacts lie`,
        false,
      );
    }
    const body = 'file' in content ? await openAsBlob(content.file) : content.text;
    const key = `${proxied}/${path}`.split('/').filter(Boolean).map(encodeURIComponent).join('/');
    await this.request('PUT', `mlflow-artifacts/artifacts/${key}`, body, 'application/octet-stream');
  }

  private async request<Answer>(
    method: string,
    path: string,
    body?: string | Blob,
    type = 'application/json',
  ): Promise<Answer> {
    const { address, headers } = this.server;
    // A large file takes its time; the whole is bounded by the caller's signal.
    const patience = body instanceof Blob ? [] : [AbortSignal.timeout(this.answerMs)];
    let answer: { status: number; text: string };
    try {
      const response = await fetch(`${address}/api/2.0/${path}`, {
        method,
        headers: { ...headers, ...(body !== undefined && { 'content-type': type }) },
        ...(body !== undefined && { body }),
        // A redirect could carry the credentials elsewhere.
        redirect: 'manual',
        signal: AbortSignal.any([this.signal, ...patience]),
      });
      answer = { status: response.status, text: await response.text() };
    } catch (error) {
      throw new MlflowError(this.without(`it does not answer (${reasonOf(error)})`), true);
    }
    const { status, text } = answer;
    const found = parsed(text);
    if (status >= 200 && status < 300) {
      if (found) return found as Answer;
      throw new MlflowError(`its answer to ${method} ${path} is no JSON; name an MLflow server`, false);
    }
    const { error_code: code, message } = (found ?? {}) as { error_code?: string; message?: string };
    const said = (message ?? text).trim().slice(0, ANSWER_LENGTH);
    const isAway = status >= 500 || status === 429 || status === 408;
    const what = path.replace(/\?.*$/, '');
    throw new MlflowError(
      this.without(`it says HTTP ${status} to ${method} ${what}${said && ` (${said})`}`),
      isAway,
      code,
    );
  }

  /** A text without the secrets, which a careless server may repeat. */
  private without(text: string): string {
    return this.server.secrets.reduce((clean, secret) => clean.replaceAll(secret, '***'), text);
  }
}

/** What an answer says; an empty one says that all is well. */
function parsed(text: string): object | undefined {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}

/** `fetch failed` alone says nothing: what failed is its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? messageOf(cause) : messageOf(error);
}

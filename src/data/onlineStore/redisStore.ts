import { createClient } from '@redis/client';
import { PerdureError, messageOf } from '../../errors.js';
import { onlineFeatures, type OnlineFeatures, type OnlineRow, type OnlineStore } from './onlineStore.js';

/** A version that nobody made the current one goes by itself, as does the one before the current. */
const LEFTOVER_SECONDS = 24 * 3_600;
const PREVIOUS_SECONDS = 60;
const CONNECT_MS = 5_000;

type Client = ReturnType<typeof clientOf>;

/**
 * Features in Redis: a hash per version, and the name of the current one. All of a pipeline's keys have one hash tag, so
 * that a cluster keeps them together.
 */
export class RedisStore implements OnlineStore {
  private constructor(
    private readonly client: Client,
    /** Without the password. */
    readonly address: string,
    private readonly prefix: string,
  ) {}

  /**
   * @param owner whose features they are: the same Redis may have those of several environments and pipelines
   * @throws PerdureError `StoreUnavailable` where it can't be reached, `ConfigInvalid` for what is no address of Redis
   */
  static async open(url: string, owner: string): Promise<RedisStore> {
    const address = addressOf(url);
    const client = clientOf(url);
    client.on('error', () => {});
    await client.connect().catch((error: unknown) => {
      throw unavailable(address, error);
    });
    return new RedisStore(client, address, `perdure:{${owner}}:features`);
  }

  async current(): Promise<OnlineFeatures | undefined> {
    const text = await this.asked(() => this.client.get(this.prefix));
    if (text === null) return undefined;
    const found = onlineFeatures.safeParse(parsed(text));
    if (!found.success) return undefined;
    // The hash may have been evicted, or have gone at its time.
    return (await this.asked(() => this.client.exists(this.hash(found.data.version)))) === 1 ? found.data : undefined;
  }

  async write(features: OnlineFeatures, rows: AsyncIterable<OnlineRow[]>): Promise<void> {
    const before = await this.current();
    const hash = this.hash(features.version);
    for await (const batch of rows) {
      if (batch.length === 0) continue;
      await this.asked(() => this.client.multi().hSet(hash, batch.flat()).expire(hash, LEFTOVER_SECONDS).exec());
    }
    await this.asked(() => {
      const change = this.client.multi().set(this.prefix, JSON.stringify(features));
      if (features.expires_at === null) change.persist(hash);
      else change.expireAt(hash, new Date(features.expires_at));
      if (before && before.version !== features.version) change.expire(this.hash(before.version), PREVIOUS_SECONDS);
      return change.exec();
    });
  }

  async lookup(version: string, keys: string[]): Promise<(string | undefined)[]> {
    if (keys.length === 0) return [];
    const found = await this.asked(() => this.client.hmGet(this.hash(version), keys));
    return found.map((value) => value ?? undefined);
  }

  close(): Promise<void> {
    this.client.destroy();
    return Promise.resolve();
  }

  private hash(version: string): string {
    return `${this.prefix}:${version}`;
  }

  private async asked<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (error) {
      throw unavailable(this.address, error);
    }
  }
}

function clientOf(url: string) {
  return createClient({
    url,
    // A command fails while the server is away, and is tried again by whoever retries the stage.
    disableOfflineQueue: true,
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy: false },
  });
}

/** An address without its password. @throws PerdureError `ConfigInvalid` */
function addressOf(url: string): string {
  if (!URL.canParse(url) || !['redis:', 'rediss:'].includes(new URL(url).protocol))
    throw new PerdureError(
      'ConfigInvalid',
      'REDIS_URL names no Redis server; give an address such as redis://host:6379, or unset it to have features in the datamart.',
    );
  const address = new URL(url);
  if (address.password) address.password = '***';
  return address.href;
}

function unavailable(address: string, error: unknown): PerdureError {
  const reason = messageOf(error) || 'it does not answer';
  return new PerdureError(
    'StoreUnavailable',
    `Redis at ${address} did not do what it was asked (${reason}); look whether it is up and takes writes, or correct REDIS_URL.`,
    { cause: error },
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import type { z } from 'zod';
import { isObject, type ObjectRef } from '../../contracts/index.js';
import { PerdureError } from '../../errors.js';
import { sha256 } from './checksum.js';
import { createOnce } from './createOnly.js';
import type { ObjectStore } from './objectStore.js';

/**
 * Documents are JSON objects that carry their own checksum under {@link SEAL}, so that one that was cut short or
 * changed, or that something else wrote, is never taken for what was written, and the number of their format under
 * {@link FORMAT}. Nothing else writes JSON into a store.
 */
const SEAL = '$sha256';
const FORMAT = 'format';

/**
 * What is done about a damaged document: the end of the sentence that says so, which is what a person does about it; or
 * what stands in for the document where it can be had from elsewhere.
 */
export type OnDamage<T> = string | ((damage: PerdureError) => T | undefined | Promise<T | undefined>);

const RESTORE = 'restore it, or delete it and run again';

/** Makes of a document of one format what it is in the next. */
type Upgrade = (value: Record<string, unknown>) => Record<string, unknown>;

/** What is a kind of document. */
export interface DocumentSettings<S extends z.ZodType> {
  /** In words, for whoever looks for it; no other kind has it. */
  name: string;
  /**
   * What is stored, without transforms and defaults: what is read is what was written. A change that a reader of the last
   * release would not understand, or could not be given to this schema, is a new format, and has an upgrade.
   */
  schema: S;
  /** An upgrade from each earlier format, from format 1 on. */
  upgrades?: Upgrade[];
}

/** Every kind of document that there is, by its name. */
const kinds = new Map<string, Document<never>>();

/** A kind of document. Its present format is one more than there are upgrades. */
export function document<S extends z.ZodType<object>>(settings: DocumentSettings<S>): Document<z.infer<S>> {
  if (kinds.has(settings.name)) throw new Error(`There are two kinds of document called ${settings.name}.`);
  const kind = new Document<z.infer<S>>(settings);
  kinds.set(settings.name, kind as Document<never>);
  return kind;
}

/** Kinds of documents, of the modules that are loaded. */
export function documentKinds(): Document<never>[] {
  return [...kinds.values()];
}

/** Documents of one kind. Those that the first releases wrote have no number, and are of format 1. */
export class Document<T extends object> {
  readonly name: string;
  /** The number of the format that is written. */
  readonly format: number;
  private readonly schema: z.ZodType;
  private readonly upgrades: Upgrade[];

  /** By {@link document} alone, which knows all kinds. */
  constructor({ name, schema, upgrades = [] }: DocumentSettings<z.ZodType>) {
    this.name = name;
    this.schema = schema;
    this.upgrades = upgrades;
    this.format = upgrades.length + 1;
  }

  /**
   * Reads one; `undefined` where it isn't there.
   * @throws PerdureError `ObjectCorrupt` where it isn't what was written, `FormatNewer` where a newer release wrote it
   */
  async read(store: ObjectStore, key: string, onDamage: OnDamage<T> = RESTORE): Promise<T | undefined> {
    const found = await store.get(key);
    return found && this.readBody(store, key, found.body, onDamage);
  }

  /** Writes one. Returns its address and SHA-256. */
  async write(store: ObjectStore, key: string, value: T): Promise<ObjectRef> {
    const text = this.serialize(value);
    await store.put(key, text);
    return { uri: store.uri(key), checksum: sha256(text) };
  }

  /**
   * Writes one where there is none. One with the same bytes is its own: an earlier attempt wrote it.
   * @throws PerdureError `AlreadyExists` where there is another
   */
  async create(store: ObjectStore, key: string, value: T): Promise<ObjectRef> {
    const text = this.serialize(value);
    return createOnce(store, key, sha256(text), (condition) => store.put(key, text, condition));
  }

  /**
   * Changes one by compare-and-swap: `change` gets the present value and returns the next, or `undefined` to leave it. It
   * runs again when another writer came first, so it must be pure.
   * @throws PerdureError as {@link read}
   */
  async update(
    store: ObjectStore,
    key: string,
    change: (current: T | undefined) => T | undefined,
    onDamage: OnDamage<T> = RESTORE,
  ): Promise<T | undefined> {
    for (;;) {
      const found = await store.get(key);
      const current = found && (await this.readBody(store, key, found.body, onDamage));
      const next = change(current);
      if (next === undefined) return current;
      try {
        await store.put(key, this.serialize(next), found ? { ifMatch: found.etag } : { ifNoneMatch: '*' });
        return next;
      } catch (error) {
        if (!(error instanceof PerdureError && error.type === 'PreconditionFailed')) throw error;
      }
    }
  }

  /**
   * The value of a document's bytes.
   *
   * @param remedy ends the sentence that tells of damage
   * @throws PerdureError `ObjectCorrupt`, `FormatNewer`
   */
  parse(store: ObjectStore, key: string, body: Uint8Array, remedy: string): T {
    const uri = store.uri(key);
    try {
      return this.unpack(unsealed(body), uri);
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      throw new PerdureError('ObjectCorrupt', `${uri} is damaged: ${error.message}; ${remedy}.`);
    }
  }

  /** A document's text, sealed. */
  serialize(value: T): string {
    const text = this.textOf(value);
    return `${text.slice(0, -END.length)}${sealOf(sha256(text))}\n`;
  }

  /** A value's text, with the number of its format. Throws where a reader would refuse it. */
  textOf(value: T): string {
    const text = textOf({ [FORMAT]: this.format, ...value });
    const { [FORMAT]: _, ...written } = JSON.parse(text) as Record<string, unknown>;
    const fault = this.faultOf(written);
    if (fault !== undefined) throw new Error(`This is no ${this.name} that can be written (${fault}).`);
    return text;
  }

  /**
   * What {@link textOf} was given, also in an earlier release.
   *
   * @param address where it lies
   * @throws {@link Damage}, or PerdureError `FormatNewer`
   */
  unpack(packed: unknown, address: string): T {
    if (!isObject(packed)) throw new Damage('it is no JSON object');
    const { [FORMAT]: format = 1, ...value } = packed;
    if (!Number.isInteger(format) || (format as number) < 1)
      throw new Damage(`its format is ${JSON.stringify(format)}, which is no number of one`);
    if ((format as number) > this.format) {
      throw new PerdureError(
        'FormatNewer',
        `${address} was written by a newer Perdure (format ${format as number}; this one reads up to ${this.format}): use that one, or another store.`,
      );
    }
    let upgraded: Record<string, unknown>;
    try {
      upgraded = this.upgrades.slice((format as number) - 1).reduce((older, upgrade) => upgrade(older), value);
    } catch (error) {
      // What an upgrade relies on isn't there.
      if (error instanceof TypeError) throw new Damage(`it is no ${this.name} of format ${format as number}`);
      throw error;
    }
    const fault = this.faultOf(upgraded);
    if (fault !== undefined) throw new Damage(`it is no ${this.name} (${fault})`);
    return upgraded as T;
  }

  private faultOf(value: unknown): string | undefined {
    const issue = this.schema.safeParse(value).error?.issues[0];
    return issue && `${issue.path.map(String).join('.') || 'all of it'}: ${issue.message}`;
  }

  private async readBody(
    store: ObjectStore,
    key: string,
    body: Uint8Array,
    onDamage: OnDamage<T>,
  ): Promise<T | undefined> {
    if (typeof onDamage === 'string') return this.parse(store, key, body, onDamage);
    try {
      return this.parse(store, key, body, RESTORE);
    } catch (error) {
      if (error instanceof PerdureError && error.type === 'ObjectCorrupt') return onDamage(error);
      throw error;
    }
  }
}

/** What a kind of document holds. */
export type DocumentOf<D> = D extends Document<infer T> ? T : never;

/** Why bytes aren't the document that they should be; it ends no sentence. */
export class Damage extends Error {}

/** What a document's bytes say, without their seal. Throws {@link Damage}. */
function unsealed(body: Uint8Array): Record<string, unknown> {
  if (body.length === 0) throw new Damage('it is empty');
  const text = Buffer.from(body).toString('utf8');
  const start = text.lastIndexOf(sealOf('').slice(0, -END.length - 1));
  if (start !== -1) {
    const inside = `${text.slice(0, start)}${END}`;
    if (text.slice(start).trimEnd() === sealOf(sha256(inside))) return JSON.parse(inside) as Record<string, unknown>;
  }
  // A tool may have written the same with other spaces.
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Damage('it is not whole JSON');
  }
  if (!isObject(parsed) || !(SEAL in parsed))
    throw new Damage(`it has no ${JSON.stringify(SEAL)}, so that it is not what was written`);
  const { [SEAL]: seal, ...value } = parsed;
  if (seal !== sha256(textOf(value))) throw new Damage('it is not what was written');
  return value;
}

/** The end of a document's text, without a seal and with one. */
const END = '\n}';
const sealOf = (checksum: string) => `,\n  ${JSON.stringify(SEAL)}: "${checksum}"${END}`;

function textOf(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

/** A map bounded in bytes that forgets what was used longest ago. */
export class ByteLru<K, V> {
  private readonly entries = new Map<K, { value: V; bytes: number }>();
  private total = 0;

  constructor(
    private readonly maxBytes: number,
    private readonly dispose: (value: V) => void = () => {},
  ) {}

  get(key: K): V | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  /** Whether it is there; looking does not make it used. */
  has(key: K): boolean {
    return this.entries.has(key);
  }

  /** The newest entry stays, even when it alone is over the bound. */
  set(key: K, value: V, bytes: number): void {
    this.delete(key);
    this.entries.set(key, { value, bytes });
    this.total += bytes;
    for (const oldest of this.entries.keys()) {
      if (this.total <= this.maxBytes || oldest === key) break;
      this.delete(oldest);
    }
  }

  delete(key: K): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.total -= entry.bytes;
    this.dispose(entry.value);
  }

  keys(): K[] {
    return [...this.entries.keys()];
  }

  clear(): void {
    for (const key of this.keys()) this.delete(key);
  }

  get size(): number {
    return this.entries.size;
  }
}

// The time that load and script take between two things they do. Nothing here decides whether a run passes.

/** Things that go on until they are stopped, one pause at a time. */
export class Pace {
  readonly #pending = new Map<NodeJS.Timeout, () => void>();
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves after so long, or as soon as it is over. */
  async pause(ms: number): Promise<void> {
    if (this.#isOver) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#pending.delete(timer);
        resolve();
      }, ms);
      this.#pending.set(timer, resolve);
    });
  }

  end(): void {
    this.#isOver = true;
    for (const [timer, resolve] of this.#pending) {
      clearTimeout(timer);
      resolve();
    }
    this.#pending.clear();
  }
}

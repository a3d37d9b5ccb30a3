// What a router is told of the requests on connections that it handed over: how many were answered, how many run, and,
// where it asks for it, a line for each. Bounded: lines that nobody takes are dropped, the oldest last.
import { longestMessageBytes, type HandoffLogEntry, type HandoffReport } from '../../../../lib/handoff.ts';

const mostEntries = 20_000;
/** The report's other members need less. */
const frameBytes = 200;

export class Reports {
  #requests = 0;
  #inFlight = 0;
  #toldInFlight = 0;
  #entries: HandoffLogEntry[] = [];

  begin(): void {
    this.#inFlight++;
  }

  end(entry: HandoffLogEntry | undefined): void {
    this.#inFlight--;
    this.#requests++;
    if (entry !== undefined && this.#entries.length < mostEntries) this.#entries.push(entry);
  }

  /** There is something to tell. */
  get isDue(): boolean {
    return this.#requests > 0 || this.#inFlight !== this.#toldInFlight || this.#entries.length > 0;
  }

  /** What is to be told, in messages that are short enough; the lines of those not sent are gone with them. */
  take(): HandoffReport[] {
    const inFlight = this.#inFlight;
    const reports = pack(this.#entries).map((log, index) => {
      return { type: 'report', requests: index === 0 ? this.#requests : 0, inFlight, log } as const;
    });
    this.#requests = 0;
    this.#toldInFlight = inFlight;
    this.#entries = [];
    return reports;
  }
}

/** At least one part, which may be empty. */
function pack(entries: readonly HandoffLogEntry[]): HandoffLogEntry[][] {
  let part: HandoffLogEntry[] = [];
  const parts = [part];
  let bytes = frameBytes;
  for (const entry of entries) {
    // Everything in it is ASCII; the comma makes one more.
    const length = JSON.stringify(entry).length + 1;
    if (bytes + length > longestMessageBytes) {
      part = [];
      parts.push(part);
      bytes = frameBytes;
    }
    part.push(entry);
    bytes += length;
  }
  return parts;
}

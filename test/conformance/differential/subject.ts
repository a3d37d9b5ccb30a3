// One side of the comparison: a router over one transport before a worker of its own, and what becomes of an input there.
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { ask, RawConnection } from '../../harness/http-client.ts';
import { ok, RecordingWorker, type RecordedRequest, type WorkerConnection } from '../../harness/recording-worker.ts';
import { routeTo, startRouter, type RouterProcess } from '../../harness/router-process.ts';
import { responseCases } from '../cases.ts';
import type { Input } from './input.ts';
import { normalMessages } from './normal-form.ts';

export interface Outcome {
  /** All that the client got before it ended its direction. */
  readonly answers: readonly string[];
  /** What the router had done with the connection until then. */
  readonly fate: Fate;
  /** What came after the client's end. */
  readonly lastWords: readonly string[];
  readonly lastFate: Fate;
  /** All that the worker got, sorted: which of its connections had what is as it comes. */
  readonly forwarded: readonly string[];
}

type Fate = 'kept' | 'ended' | 'reset';

const barrierHost = 'barrier.test';
/** The worker answers at once, in this process; the second round gives its answer the time to come through. */
const rounds = 2;

const answers: readonly string[] = [
  ok(),
  ok('a longer body', 'X-App: yes\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n'),
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno',
  'HTTP/1.1 204 No Content\r\n\r\n',
];
/** Behind these the worker closes. */
const lastAnswers: readonly Buffer[] = [
  Buffer.from('HTTP/1.1 200 OK\r\n\r\nuntil the end'),
  ...responseCases()
    .map(({ bytes }) => bytes)
    .filter(({ length }) => length < 5000),
];

export class Subject {
  readonly transport: string;
  readonly #router: RouterProcess;
  readonly #worker: RecordingWorker;
  readonly #barrier: RecordingWorker;
  #addresses = 0;

  private constructor(
    transport: string,
    router: RouterProcess,
    workers: { worker: RecordingWorker; barrier: RecordingWorker },
  ) {
    this.transport = transport;
    this.#router = router;
    this.#worker = workers.worker;
    this.#barrier = workers.barrier;
  }

  static async start(t: TestContext, transport: 'portable' | 'reactor'): Promise<Subject> {
    const worker = await RecordingWorker.start(t, answer);
    const barrier = await RecordingWorker.start(t);
    const apps = [
      routeTo(worker.path, { name: 'all', domains: ['*'] }),
      routeTo(barrier.path, { name: 'barrier', domains: [barrierHost] }),
    ];
    return new Subject(transport, await startRouter(t, { apps, transport }), { worker, barrier });
  }

  /** Of many at the same time, each over a connection of its own. */
  async outcomesOf(inputs: readonly Input[]): Promise<readonly Outcome[]> {
    // What it is about to record is judged at once, and minutes of it are gigabytes.
    for (const worker of [this.#worker, this.#barrier]) worker.forget();
    const before = new Map(this.#worker.connections.map((one) => [one, one.received.length]));
    const touched = new Set<WorkerConnection>();
    this.#worker.onBytes = (connection) => touched.add(connection);
    const clients = inputs.map((input) => new Client(this.#router.port, this.#nextAddress(), input));
    try {
      for (let nth = 0; clients.some(({ input }) => nth < input.pieces.length); nth++) {
        for (const client of clients) client.write(nth);
        await this.#settle();
      }
      for (const client of clients) client.end();
      await Promise.all(clients.map(async ({ connection }) => connection.ended()));
      await this.#settle();
      const forwarded = [...touched].flatMap((one) => normalMessages(one.received.slice(before.get(one) ?? 0)));
      return clients.map((client) => client.outcome(forwarded));
    } finally {
      for (const { connection } of clients) connection.destroy();
    }
  }

  /** When these are answered the router has read whatever was sent to it before, and has had the answer to it. */
  async #settle(): Promise<void> {
    for (let round = 0; round < rounds; round++) await ask(this.#router.port, { host: barrierHost });
  }

  /** By it the worker's records are told apart: the router tells it as X-Forwarded-For. */
  #nextAddress(): string {
    const nth = this.#addresses++;
    return `127.${1 + ((nth >> 16) & 127)}.${(nth >> 8) & 255}.${nth & 255}`;
  }
}

class Client {
  readonly input: Input;
  readonly connection: RawConnection;
  readonly #address: string;
  #isReset = false;
  /** It saw the connection's end and sent more: whether that is read and dropped, or reset, is all the same to it. */
  #hasSpokenBehindEnd = false;
  #first: Pick<Outcome, 'answers' | 'fate'> | undefined;
  #firstLength = 0;

  constructor(port: number, address: string, input: Input) {
    this.input = input;
    this.#address = address;
    const socket = connect({ host: '127.0.0.1', port, localAddress: address, allowHalfOpen: true });
    socket.once('error', () => {
      this.#isReset = true;
    });
    this.connection = new RawConnection(socket);
  }

  write(nth: number): void {
    const piece = this.input.pieces[nth];
    if (piece === undefined) return;
    if (this.connection.isEnded) this.#hasSpokenBehindEnd = true;
    this.connection.write(piece);
  }

  end(): void {
    const { received } = this.connection;
    this.#first = { answers: normalMessages(received), fate: this.#fate() };
    this.#firstLength = received.length;
    this.connection.end();
  }

  outcome(forwarded: readonly string[]): Outcome {
    return {
      answers: this.#first?.answers ?? [],
      fate: this.#first?.fate ?? 'kept',
      lastWords: normalMessages(this.connection.received.slice(this.#firstLength)),
      lastFate: this.#fate(),
      forwarded: forwarded
        .filter((message) => message.includes(`\r\nX-Forwarded-For: ${this.#address}\r\n`))
        .map((message) => message.replace(this.#address, '*'))
        .sort(),
    };
  }

  #fate(): Fate {
    if (this.#isReset && !this.#hasSpokenBehindEnd) return 'reset';
    return this.#isReset || this.connection.isEnded ? 'ended' : 'kept';
  }
}

/** By the request alone, so that both workers answer the same. */
function answer({ requestLine, body, connection }: RecordedRequest): string | undefined {
  let sum = 0;
  for (const byte of Buffer.from(requestLine + body, 'latin1')) sum = (sum * 31 + byte) % 1_000_003;
  if (sum % 3 !== 0) return answers[sum % answers.length];
  connection.socket.end(lastAnswers[sum % lastAnswers.length] ?? '');
  return undefined;
}

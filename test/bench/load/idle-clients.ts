// node idle-clients.js PORT HOST COUNT: opens connections, sends one request on each, reads its answer, and says `idle`
// when all of them do nothing any more. They are held until standard input ends; it is a process of its own, because a
// process may have only so many descriptors.
import { connect } from 'node:net';

const [port, host, count] = process.argv.slice(2);
/** So many at a time: listen queues are short. */
const width = 100;
/** One address has some 28,000 ports. */
const addresses = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'];

/** Resolves when the answer is there; the connection stays. */
async function open(index: number): Promise<void> {
  const localAddress = addresses[index % addresses.length] ?? '127.0.0.1';
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: Number(port), localAddress });
    socket.once('data', () => {
      resolve();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      reject(new Error('an idle connection was closed'));
      process.exitCode = 1;
    });
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  });
}

for (let at = 0; at < Number(count); at += width) {
  const size = Math.min(width, Number(count) - at);
  await Promise.all(Array.from({ length: size }, (_unused, index) => open(at + index)));
}
process.stdout.write('idle\n');
process.stdin.on('end', () => process.exit()).resume();

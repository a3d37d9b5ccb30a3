// The machine and the moment of a measurement, in one line.
import { cpus, loadavg, release } from 'node:os';

export function machineText(): string {
  const today = new Date().toISOString().slice(0, 10);
  const [load = 0] = loadavg();
  return `${today}, Node ${process.version}, Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, load average ${load.toFixed(1)}`;
}

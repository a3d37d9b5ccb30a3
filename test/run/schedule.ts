// Which tasks run at the same time: one that computes and some that wait, side by side; after all of these, one by one,
// those that want to be alone.
import type { Result, Task } from './task.ts';

export interface Schedule {
  /** How many waiting tasks run side by side, beside the computing one. At least 1. */
  readonly waiting: number;
  readonly run: (task: Task) => Promise<Result>;
  readonly onResult: (result: Result) => void;
}

export async function runAll(tasks: readonly Task[], schedule: Schedule): Promise<readonly Result[]> {
  const results: Result[] = [];
  const lane = async (queue: Task[]): Promise<void> => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
      const result = await schedule.run(task);
      results.push(result);
      schedule.onResult(result);
    }
  };
  const beside = tasks.filter(({ isAlone }) => !isAlone);
  const busy = beside.filter(({ isBusy }) => isBusy);
  const waiting = beside.filter(({ isBusy }) => !isBusy);
  await Promise.all([lane(busy), ...Array.from({ length: schedule.waiting }, async () => lane(waiting))]);
  await lane(tasks.filter(({ isAlone }) => isAlone));
  return results;
}

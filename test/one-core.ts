/**
 * Gives each test worker one core of its own, children included: threads that wait for each other by spinning take the
 * time of the tests beside them. Only on build machines: a file that is run by itself may have the whole machine.
 */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';

if (process.platform === 'linux' && process.env['CI'] !== undefined) {
  const core = Number(process.env['VITEST_POOL_ID'] ?? 0) % cpus().length;
  // Without taskset the tests only take longer.
  spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(core), String(process.pid)]);
}

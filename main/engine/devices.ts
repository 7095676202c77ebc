/**
 * Chooses the device for a model. Each combination of model, driver and runtime is tested once, and
 * the result is remembered.
 */

import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { arch, cpus, platform, release } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../base/atomic.ts';
import { offeredDevices, runtimeVersion } from '../network/device.ts';
import type { Device } from '../network/session.ts';
import { Ended, TooLate } from '../process/asking.ts';
import { Peer } from '../process/peer.ts';
import type { Connect } from '../process/port.ts';
import { describeError, Refusal, throwIfCancelled } from '../base/refusal.ts';
import { engineCalls, verdictSchema, type Verdict } from './protocol.ts';

export interface DeviceQuestion {
  /** Id or path, as `--model` takes it. */
  readonly model: string;
  /** SHA-256 of its weights. */
  readonly modelSha256: string;
  /** Side of the test window, packed pixels. */
  readonly side: number;
  readonly spawn: Connect;
  /** Folder that verdicts are stored in. */
  readonly memory: string;
  readonly signal?: AbortSignal | undefined;
}

const memorySchema = z.record(z.string(), z.array(verdictSchema));

/** A driver that compiles shaders for longer than this is considered hung. */
const testTimeoutMs = 3 * 60_000;

/**
 * Verdicts on every device available here, including the processor. Each is tested in its own
 * engine, so that a crashing driver only yields a verdict.
 */
export async function deviceVerdicts(
  question: DeviceQuestion,
  { isAfresh = false } = {},
): Promise<readonly Verdict[]> {
  const file = memoryFile(question);
  const known = await readMemory(file);
  const key = await circumstances(question);
  const remembered = known[key];
  if (remembered !== undefined && !isAfresh) return remembered;
  const verdicts: Verdict[] = [];
  for (const device of offeredDevices()) {
    throwIfCancelled(question.signal);
    verdicts.push(await testInChild(device, question));
  }
  throwIfCancelled(question.signal);
  // If even the processor cannot run it, the model is at fault, and the verdicts say nothing about
  // devices.
  if (!verdicts.some(({ device, isTrusted }) => device === 'cpu' && isTrusted)) return verdicts;
  await remember(file, { ...known, [key]: verdicts });
  return verdicts;
}

function memoryFile({ memory }: DeviceQuestion): string {
  return path.join(memory, 'devices.json');
}

/** The fastest device that computes correctly; the processor always does. */
export async function chooseDevice(question: DeviceQuestion): Promise<Device> {
  if (offeredDevices().length <= 1) return 'cpu';
  return fastestOf(await deviceVerdicts(question));
}

/** As `chooseDevice`, but without a test. @returns undefined where one would be needed */
export async function knownDevice(question: DeviceQuestion): Promise<Device | undefined> {
  if (offeredDevices().length <= 1) return 'cpu';
  const known = await readMemory(memoryFile(question));
  const remembered = known[await circumstances(question)];
  return remembered === undefined ? undefined : fastestOf(remembered);
}

function fastestOf(verdicts: readonly Verdict[]): Device {
  const trusted = verdicts.filter((verdict) => verdict.isTrusted);
  const time = (verdict: Verdict): number => verdict.msPerMegapixel ?? Number.POSITIVE_INFINITY;
  return trusted.sort((a, b) => time(a) - time(b))[0]?.device ?? 'cpu';
}

/** Side of the window that an imported model is tried on, packed pixels: a small tile. */
const trialSide = 256;

/**
 * Runs a model on one tile, on the processor, in an engine of its own.
 * @param model the path of its manifest
 * @throws Refusal `model` if it cannot run, or does not return numbers
 */
export async function tryModel(model: string, spawn: Connect): Promise<void> {
  const { isTrusted, account } = await testInChild('cpu', { model, side: trialSide, spawn });
  if (isTrusted) return;
  throw new Refusal('model', `the model ${path.basename(model)} cannot be used: ${account}`);
}

async function testInChild(
  device: Device,
  { model, side, spawn, signal }: Pick<DeviceQuestion, 'model' | 'side' | 'spawn' | 'signal'>,
): Promise<Verdict> {
  const engine = new Peer('the engine', spawn);
  try {
    return await engine.ask(
      engineCalls.test,
      { model, device, side },
      { signal, withinMs: testTimeoutMs },
    );
  } catch (error) {
    return { device, isTrusted: false, account: accountOf(error) };
  } finally {
    engine.close();
  }
}

/** Why a device is not used, in plain words. */
function accountOf(error: unknown): string {
  if (error instanceof Ended) return `not used: its test ended the engine ${error.reason}`;
  if (error instanceof TooLate) {
    return `not used: its test took longer than ${testTimeoutMs / 60_000} minutes`;
  }
  if (error instanceof Refusal && error.code === 'cancelled') return 'not tested: cancelled';
  return `not used: ${describeError(error)}`;
}

/**
 * Key of a verdict: it holds for one model, window, runtime, system, processor and set of graphics
 * drivers.
 */
async function circumstances({ modelSha256, side }: DeviceQuestion): Promise<string> {
  const parts = [
    modelSha256,
    String(side),
    runtimeVersion(),
    platform(),
    arch(),
    release(),
    cpus()[0]?.model ?? '',
    String(cpus().length),
    process.env['VK_ICD_FILENAMES'] ?? '',
    process.env['VK_DRIVER_FILES'] ?? '',
    await readFile('/proc/driver/nvidia/version', 'utf8').catch(() => ''),
  ];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
}

async function readMemory(file: string): Promise<Record<string, Verdict[]>> {
  try {
    const parsed = memorySchema.safeParse(JSON.parse(await readFile(file, 'utf8')));
    return parsed.success ? parsed.data : {};
  } catch {
    return {};
  }
}

/** If it cannot be stored, the test runs again next time. */
async function remember(file: string, verdicts: Record<string, Verdict[]>): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeAtomically(file, [Buffer.from(JSON.stringify(verdicts, null, 2))], {
      overwrite: true,
    });
  } catch {
    return;
  }
}

/** Chooses the device for a model: tested once for each model, driver and runtime, then remembered. */

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
  /** Id or path, as given to `--model`. */
  readonly model: string;
  /** SHA-256 of its weights. */
  readonly modelSha256: string;
  /** Side of the window the devices are tested with, packed pixels. */
  readonly side: number;
  readonly spawn: Connect;
  /** Folder in which verdicts are remembered. */
  readonly memory: string;
  readonly signal?: AbortSignal | undefined;
}

const memorySchema = z.record(z.string(), z.array(verdictSchema));

/** A driver that compiles shaders for longer than this has hung. */
const testTimeoutMs = 3 * 60_000;

/**
 * Verdicts on every device offered here, the processor's included. Each is tested in an engine of
 * its own, so that a driver that crashes is a verdict like others.
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
  // Where not even the processor could run it, the model is to blame, and devices are not known.
  if (!verdicts.some(({ device, isTrusted }) => device === 'cpu' && isTrusted)) return verdicts;
  await remember(file, { ...known, [key]: verdicts });
  return verdicts;
}

function memoryFile({ memory }: DeviceQuestion): string {
  return path.join(memory, 'devices.json');
}

/** The fastest device that calculates right; the processor always does. */
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

/** Window that a model is tried with, packed pixels: a small tile. */
const trialSide = 256;

/**
 * Runs a model on one tile, on the processor, in an engine of its own.
 * @param model the path of its manifest
 * @throws Refusal `model` if it cannot run, or does not answer with numbers
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

/** Why a device was not used, in plain words. */
function accountOf(error: unknown): string {
  if (error instanceof Ended) return `not used: its test ended the engine ${error.reason}`;
  if (error instanceof TooLate) {
    return `not used: its test took longer than ${testTimeoutMs / 60_000} minutes`;
  }
  if (error instanceof Refusal && error.code === 'cancelled') return 'not tested: cancelled';
  return `not used: ${describeError(error)}`;
}

/** A verdict holds for one model, window, runtime, system, processor and set of graphics drivers. */
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

/** What cannot be remembered is tested again next time. */
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

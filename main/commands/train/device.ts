/** `train --device auto`: measures before a run which device is faster. */

import { Pace } from '../../runs/pace.ts';
import { spawnNodeSurvey } from '../../runs/survey.ts';
import { readRun, writeRun } from '../../training/run/folder.ts';
import type { ProgressLine } from '../progress-line.ts';

export interface DeviceChoice {
  readonly isJson: boolean;
  readonly line: ProgressLine;
  readonly signal: AbortSignal;
}

/**
 * Measures a step of the run in `folder` on the processor and on the graphics card, if there is
 * one, and sets the faster one in the run.
 * @throws Refusal `cancelled`
 */
export async function chooseTrainingDevice(
  folder: string,
  { isJson, line, signal }: DeviceChoice,
): Promise<void> {
  const { description } = await readRun(folder);
  const { recipe, settings } = description;
  const { threads } = settings;
  line.update('measuring a step on the processor and on the graphics card');
  const pace = await new Pace(spawnNodeSurvey).measure(
    { recipe, device: 'auto', threads, mayUseCard: true },
    signal,
  );
  const { device, stepMs, processorMs } = pace;
  await writeRun(folder, { ...description, settings: { ...settings, device } });
  line.done();
  if (isJson) {
    process.stdout.write(`${JSON.stringify({ event: 'device', device, stepMs, processorMs })}\n`);
  } else {
    const [ms, slower] = [stepMs, processorMs].map((time) => time?.toFixed(0));
    line.log(
      processorMs === undefined
        ? `on the processor: a step takes ${ms} ms, and no graphics card is much faster`
        : `on the graphics card: a step takes ${ms} ms there, ${slower} on the processor`,
    );
  }
}

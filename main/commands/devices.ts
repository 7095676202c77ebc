/** `nightglass devices`: lists the devices that can run the network, and tests each. */

import { Command } from 'commander';
import { z } from 'zod';
import { appFolder } from '../base/app-folder.ts';
import { deviceVerdicts } from '../engine/devices.ts';
import { spawnNodeEngine } from '../engine/process.ts';
import { runtimeVersion } from '../network/device.ts';
import { defaultModelId, readModel } from '../network/manifest.ts';
import { interruptSignal } from './interrupt.ts';
import { defaultWindowArea, testSide } from '../engine/window-area.ts';

const optionsSchema = z.object({ model: z.string(), json: z.boolean().default(false) });

export function devicesCommand(): Command {
  return new Command('devices')
    .description('test every device with a real tile and compare it with the processor')
    .option('--model <id|file>', 'the network to test with', defaultModelId)
    .option('--json', 'one JSON object a line')
    .action(async (unknown: unknown) => {
      const { model: which, json } = optionsSchema.parse(unknown);
      const { manifest } = await readModel(which);
      const side = testSide(defaultWindowArea(manifest));
      const verdicts = await deviceVerdicts(
        {
          model: which,
          modelSha256: manifest.sha256,
          side,
          spawn: spawnNodeEngine,
          memory: appFolder(),
          signal: interruptSignal(),
        },
        { isAfresh: true },
      );
      if (json) {
        for (const verdict of verdicts) process.stdout.write(`${JSON.stringify(verdict)}\n`);
        return;
      }
      process.stdout.write(
        `ONNX Runtime ${runtimeVersion()}, model ${manifest.id}, tiles of ${String(side)} × ${String(side)} packed pixels\n`,
      );
      for (const { device, account, msPerMegapixel } of verdicts) {
        const speed =
          msPerMegapixel === undefined ? '' : `  ${(4e3 / msPerMegapixel).toFixed(2)} megapixels/s`;
        process.stdout.write(`${device.padEnd(8)}${account}${speed}\n`);
      }
    });
}

/**
 * `--model`, `--device`, `--threads`, `--quick` and `--tile`, for every command that runs a
 * network.
 */

import { Option, type Command } from 'commander';
import { z } from 'zod';
import { deviceChoices, deviceChoiceSchema } from '../../preload/contract/choices.ts';
import { appFolder } from '../base/app-folder.ts';
import { chooseDevice } from '../engine/devices.ts';
import { spawnNodeEngine } from '../engine/process.ts';
import { Engine } from '../engine/supervisor.ts';
import { defaultWindowArea, testSide } from '../engine/window-area.ts';
import { defaultModelId, readModel, type Manifest } from '../network/manifest.ts';
import { numberBetween } from './arguments.ts';

export const networkOptionsSchema = z.object({
  model: z.string(),
  device: deviceChoiceSchema,
  threads: z.number().optional(),
  tile: z.number().optional(),
  quick: z.boolean().default(false),
});

export type NetworkOptions = z.infer<typeof networkOptionsSchema>;

export function addNetworkOptions(command: Command): Command {
  return command
    .option('--model <id|file>', 'the network: a shipped one by name, or a file', defaultModelId)
    .addOption(
      new Option('--device <device>', 'what to calculate on')
        .choices(deviceChoices)
        .default('auto'),
    )
    .option('--threads <n>', 'processor threads', numberBetween(1, 256, { whole: true }))
    .option(
      '--quick',
      'one look at each tile where the model takes two: half of the network’s work, a little more noise',
    )
    .option(
      '--tile <n>',
      'side of the largest tile, in packed pixels',
      numberBetween(256, 4096, { whole: true }),
    );
}

/**
 * Opens an engine with these options.
 * @throws Refusal `bad-argument` for an unknown model, `model`, `device`, `cancelled`
 */
export async function openEngine(
  { model: which, device: asked, threads, tile, quick }: NetworkOptions,
  {
    signal,
    onTrouble,
  }: { readonly signal?: AbortSignal; readonly onTrouble: (account: string) => void },
): Promise<{ readonly engine: Engine; readonly manifest: Manifest }> {
  const { manifest } = await readModel(which);
  const windowAreaMax = tile === undefined ? defaultWindowArea(manifest) : tile * tile;
  const device =
    asked === 'auto'
      ? await chooseDevice({
          model: which,
          modelSha256: manifest.sha256,
          side: testSide(windowAreaMax),
          spawn: spawnNodeEngine,
          memory: appFolder(),
          signal,
        })
      : asked;
  const engine = await Engine.open(
    {
      model: which,
      device,
      ...(threads === undefined ? {} : { threads }),
      windowAreaMax,
      isQuick: quick,
      spawn: spawnNodeEngine,
      onTrouble,
    },
    { signal },
  );
  return { engine, manifest };
}

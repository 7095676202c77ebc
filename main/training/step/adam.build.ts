/**
 * Builds adam.wasm from adam.wat: `node main/training/step/adam.build.ts`. Not part of the product.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import wabt from 'wabt';

const source = new URL('./adam.wat', import.meta.url);
const binary = new URL('./adam.wasm', import.meta.url);

export async function assembleAdam(): Promise<Uint8Array> {
  const assembler = await wabt();
  return assembler.parseWat('adam.wat', readFileSync(source, 'utf8'), { simd: true }).toBinary({})
    .buffer;
}

if (import.meta.main) writeFileSync(binary, await assembleAdam());

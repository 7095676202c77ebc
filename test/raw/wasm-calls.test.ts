/** What keeps V8 from ending the process where many threads decode one after the other. */

import { setFlagsFromString } from 'node:v8';

import { expect, it } from 'vitest';

import { decodeRaw } from '../../main/raw/decode.ts';
import { cfaDng } from '../../main/raw/dng.ts';
import { bytesOf, nightMosaic, scratch } from './written.ts';

const folder = scratch();

/** `r` calls the imported `f`, which is exported too. */
const wasmModule = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 4, 1, 0x60, 0, 0], // one type: () -> ()
  ...[2, 7, 1, 1, 0x65, 1, 0x66, 0, 0], // import e.f
  ...[3, 2, 1, 0], // one function
  ...[7, 9, 2, 1, 0x72, 0, 1, 1, 0x66, 0, 0], // export r, f
  ...[10, 6, 1, 4, 0, 0x10, 0, 0x0b], // call f
]);

it('leaves calls from WebAssembly into JavaScript uncompiled', async () => {
  await decodeRaw(folder.write('night.dng', bytesOf(cfaDng(nightMosaic({})))));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasmModule), {
    e: { f: () => undefined },
  });
  const run = exports['r'];
  if (typeof run !== 'function') throw new TypeError('the module exports no function');
  for (let call = 0; call < 5000; call++) Reflect.apply(run, undefined, []);
  setFlagsFromString('--allow-natives-syntax');
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- V8's own question has no other spelling
  const isUncompiled = new Function('imported', 'return %HasUnoptimizedWasmToJSWrapper(imported)');
  expect(Reflect.apply(isUncompiled, undefined, [exports['f']])).toBe(true);
});

/** What `Graph` writes. */

import { expect, it } from 'vitest';
import { Graph } from '../../main/network/onnx.ts';

function model(isWithDeadEnd: boolean): Uint8Array {
  const graph = new Graph('graph');
  const x = graph.input('x', [4]);
  graph.output('y', graph.apply('Abs', [x], [4]));
  if (isWithDeadEnd) graph.apply('Exp', [graph.apply('Sqrt', [x], [4])], [4]);
  return graph.model();
}

it('leaves out nodes that no output needs', () => {
  expect(model(true)).toEqual(model(false));
});

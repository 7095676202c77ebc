/** The worker thread that measures a camera, so that its owner stays responsive and can end it any time. */

import { joinParent } from '../process/parent.ts';
import { measureCameraCall } from './calibrate-call.ts';
import { measureCamera } from './measure.ts';

joinParent().answer(measureCameraCall, (frames, { onProgress }) =>
  measureCamera(frames, onProgress),
);

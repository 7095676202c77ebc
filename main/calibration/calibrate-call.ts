/** The call to the thread that measures a camera. */

import { z } from 'zod';
import { cameraProfileSchema } from '../../preload/contract/camera-profile.ts';
import { defineCall } from '../process/call.ts';

/** Measures a camera from `CalibrationFrames`, reporting `CalibrationProgress`. */
export const measureCameraCall = defineCall({
  name: 'measure-camera',
  input: z.object({
    dark: z.array(z.string()),
    flat: z.array(z.string()),
    name: z.string().optional(),
  }),
  output: cameraProfileSchema,
  progress: z.object({
    stage: z.enum(['dark', 'flat']),
    done: z.number(),
    total: z.number(),
    file: z.string(),
  }),
});

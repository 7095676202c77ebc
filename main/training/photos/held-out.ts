/** Photos that training never sees, so that `evaluate` can ask about pictures that are new. */

/**
 * File names in `shared/data/photos` kept for evaluation: two nights (a lit skyline, a roof among
 * dark houses), a lamp-lit room, saturated colours, flowers, spices in daylight, fabric, print and
 * brick, a pale street. Few of the night scenes are taken: training needs them more.
 */
export const HELD_OUT_PHOTOS: readonly string[] = [
  'singaporean-cityscape.jpg',
  'rooftop_night_1k.hdr',
  'hotel_room_1k.hdr',
  'orange-hallway.jpg',
  'fragrant-chamomile.jpg',
  'the-spices-of-life.jpg',
  'kodim3.png',
  'kodim1.png',
  'nyc-lossless.png',
];

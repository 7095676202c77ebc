/** The visible part of the picture and its scale, with pan and zoom like a map. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface View {
  /** Device pixels per pixel of the picture. */
  readonly scale: number;
  /** The pixel of the picture in the middle of the viewport. */
  readonly x: number;
  readonly y: number;
}

/** Device pixels left free around a picture that fits. */
const marginDevice = 24;
const scaleMax = 8;

export function fitScale(picture: Size, viewport: Size): number {
  const across = (viewport.width - 2 * marginDevice) / picture.width;
  const down = (viewport.height - 2 * marginDevice) / picture.height;
  return Math.max(1e-3, Math.min(across, down));
}

/**
 * Whether a scale shows the picture as one that fits. A small picture fits above 100 %; the scales
 * from there down to 100 % are others.
 */
export function isFit(scale: number, picture: Size, viewport: Size): boolean {
  const fit = fitScale(picture, viewport);
  return Math.abs(scale / fit - 1) < 1e-3 || (fit <= 1 && scale < fit);
}

export function fitted(picture: Size, viewport: Size): View {
  return { scale: fitScale(picture, viewport), x: picture.width / 2, y: picture.height / 2 };
}

/** Two pictures of the same view, each in its own pane. */
export interface Panes {
  /** Size of each pane, device pixels. */
  readonly size: Size;
  /** Position of the second pane; the first begins at 0, 0. */
  readonly second: Point;
}

/** Device pixels between two panes. */
const gapDevice = 2;

/** Side by side, or one above the other if that shows clearly more. */
export function panesOf(picture: Size, viewport: Size): Panes {
  const across = Math.max(1, Math.floor((viewport.width - gapDevice) / 2));
  const down = Math.max(1, Math.floor((viewport.height - gapDevice) / 2));
  const beside = { width: across, height: viewport.height };
  const stacked = { width: viewport.width, height: down };
  return fitScale(picture, stacked) > 1.15 * fitScale(picture, beside)
    ? { size: stacked, second: { x: 0, y: down + gapDevice } }
    : { size: beside, second: { x: across + gapDevice, y: 0 } };
}

/** The corresponding position in the first pane. */
export function inFirstPane(panes: Panes | undefined, at: Point): Point {
  if (panes === undefined) return at;
  const { x, y } = panes.second;
  const isSecond = x > 0 ? at.x >= x : at.y >= y;
  return isSecond ? { x: at.x - x, y: at.y - y } : at;
}

/** Keeps the picture within the viewport, and centres it along an axis on which it fits. */
export function held(view: View, picture: Size, viewport: Size): View {
  const scale = Math.min(scaleMax, Math.max(Math.min(1, fitScale(picture, viewport)), view.scale));
  const hold = (at: number, size: number, room: number): number => {
    const half = room / scale / 2;
    if (half * 2 >= size) return size / 2;
    return Math.min(size - half, Math.max(half, at));
  };
  return {
    scale,
    x: hold(view.x, picture.width, viewport.width),
    y: hold(view.y, picture.height, viewport.height),
  };
}

export function toPicture(view: View, viewport: Size, device: Point): Point {
  return {
    x: view.x + (device.x - viewport.width / 2) / view.scale,
    y: view.y + (device.y - viewport.height / 2) / view.scale,
  };
}

/** Zooms so that the point under the pointer stays in place. */
export function zoomedAt(view: View, scale: number, viewport: Size, device: Point): View {
  const limited = Math.min(scaleMax, Math.max(1e-3, scale));
  const anchor = toPicture(view, viewport, device);
  return {
    scale: limited,
    x: anchor.x - (device.x - viewport.width / 2) / limited,
    y: anchor.y - (device.y - viewport.height / 2) / limited,
  };
}

/**
 * Zooms about a point, or the middle.
 * @returns undefined where the picture fits then
 */
export function zoomed(
  view: View,
  scale: number,
  picture: Size,
  viewport: Size,
  at: Point = { x: viewport.width / 2, y: viewport.height / 2 },
): View | undefined {
  if (isFit(scale, picture, viewport)) return undefined;
  return held(zoomedAt(view, scale, viewport, at), picture, viewport);
}

export function panned(view: View, byDevice: Point): View {
  return {
    ...view,
    x: view.x - byDevice.x / view.scale,
    y: view.y - byDevice.y / view.scale,
  };
}

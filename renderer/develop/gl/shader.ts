/**
 * The look, on the graphics card: linear camera RGB in, encoded RGB out. The same formulas in the same
 * order as the export's (main/develop/black.ts, highlights.ts, look.ts, finish.ts and tone.ts), held together by a test.
 */

export const vertexShader = `#version 300 es
// A corner of the unit square, that place takes to the tile's place on the screen.
layout(location = 0) in vec2 corner;
uniform mat3 place;
out vec2 at;

void main() {
  at = corner;
  vec3 position = place * vec3(corner, 1.0);
  gl_Position = vec4(position.xy, 0.0, 1.0);
}
`;

export const lookShader = `#version 300 es
precision highp float;
precision highp sampler2D;

in vec2 at;
out vec4 pixel;

uniform sampler2D tile;
// What the tile's values are multiplied by: the ratio asked for over the one it was made with.
uniform float light;
// Of the grain in the fourth channel that is given back: 1 - strength.
uniform float grain;
// What a moved black level takes from the light.
uniform vec3 blackShift;
uniform vec3 balance;
// Light that filled every colour of the sensor: no white balance is to tint it.
uniform float white;
uniform mat3 cameraToOutput;
uniform vec3 luminance;
uniform float exposure;
uniform float saturation;
uniform float highlights;
uniform float shadows;
uniform float contrast;
// 1: mark what is clipped. 2: mark what the network had to guess, and what rests on few frames.
uniform int overlay;
// Variance of a sample at ratio 1, of the frame: slope * x + offset.
uniform vec2 noise;
uniform float ratio;
// Of a merged photo: four times the frames behind each block, over 255.
uniform sampler2D framesMap;
// Frames that the noise is for; 0 for a photo that was not merged.
uniform float framesMiddle;
// Pixels of the stored frame under the map.
uniform vec2 framesSpan;
// The tile in the stored frame: left, top, width, height.
uniform vec4 area;

float rollOff(float x) {
  return x <= 0.7 ? x : 0.7 + 0.3 * (1.0 - exp(-(x - 0.7) / 0.3));
}

float encode(float x) {
  return x <= 0.0031308 ? 12.92 * x : 1.055 * pow(x, 1.0 / 2.4) - 0.055;
}

float toneGain(float y) {
  float shadow = 0.1 / (0.1 + y);
  float highlight = y / (y + 0.4);
  float gain = exp2(1.5 * (shadows * shadow * shadow + highlights * highlight * highlight));
  float slope = exp2(0.8 * contrast);
  return gain * pow((y * gain + 0.001) / 0.181, slope - 1.0);
}

vec3 look(vec3 camera) {
  float filled = min(camera.r, min(camera.g, camera.b));
  vec3 factor = mix(balance, vec3(1.0), smoothstep(0.85, 0.94, filled / white));
  vec3 rgb = cameraToOutput * (camera * factor) * exp2(exposure);
  float y = max(0.0, dot(luminance, rgb));
  float least = min(rgb.r, min(rgb.g, rgb.b));
  if (least < 0.0) {
    float share = y > 0.0 ? max(0.5, y / (y - least)) : 0.5;
    rgb = max(y + share * (rgb - y), 0.0);
    y = dot(luminance, rgb);
  }
  rgb = y + (rgb - y) * (1.0 + saturation);
  least = min(rgb.r, min(rgb.g, rgb.b));
  float gain = toneGain(y);
  float keep = least < 0.0 ? y / (y - least) : 1.0;
  vec3 x = clamp(gain * (y + keep * (rgb - y)), 0.0, 4.0);
  return vec3(encode(rollOff(x.r)), encode(rollOff(x.g)), encode(rollOff(x.b)));
}

void main() {
  vec4 tiled = texture(tile, at);
  vec3 camera = (tiled.rgb + grain * tiled.a) * light - blackShift;
  vec3 shown = look(camera);
  if (overlay == 1) {
    if (max(shown.r, max(shown.g, shown.b)) > 0.996) shown = vec3(1.0, 0.25, 0.2);
    else if (max(shown.r, max(shown.g, shown.b)) <= 0.0) shown = vec3(0.2, 0.45, 1.0);
  } else if (overlay == 2) {
    float x = max(0.0, dot(vec3(0.25, 0.5, 0.25), tiled.rgb * light - blackShift)) / ratio;
    float frames = max(0.25, texture(framesMap, (area.xy + at * area.zw) / framesSpan).r * 63.75);
    float missing = framesMiddle > 0.0 ? framesMiddle / frames : 1.0;
    float signal = x / sqrt(max(1e-20, (noise.x * x + noise.y) * missing));
    float guessed = 1.0 - smoothstep(0.35, 1.6, signal);
    float stripe = 0.75 + 0.25 * step(0.5, fract((gl_FragCoord.x + gl_FragCoord.y) / 9.0));
    shown = mix(shown, vec3(0.75, 0.32, 0.98), 0.62 * guessed * stripe);
    // Where half of the frames or more are missing.
    float few = smoothstep(1.3, 2.0, missing);
    float counterStripe = step(0.5, fract((gl_FragCoord.x - gl_FragCoord.y) / 13.0));
    shown = mix(shown, vec3(1.0, 0.72, 0.2), 0.6 * few * counterStripe);
  }
  pixel = vec4(shown, 1.0);
}
`;

/**
 * Prints what CHANGELOG.md says about a version, for its release. Fails unless the tag, package.json and the
 * changelog name the same version. Plain JavaScript, because it runs where nothing is installed.
 *
 * Usage: node .ci/release-notes.mjs v0.1.0
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { URL } from 'node:url';

const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

function notesOf(tag) {
  const { version } = JSON.parse(read('package.json'));
  if (tag !== `v${version}`) {
    throw new Error(`expected the tag v${version}, as package.json says, but received ${tag}`);
  }
  const [, ...sections] = read('CHANGELOG.md').split(/^## /m);
  const section = sections.find((text) => text.startsWith(`[${version}]`));
  if (section === undefined) {
    throw new Error(`expected a section "## [${version}]" in CHANGELOG.md but there is none`);
  }
  // Without its title, and without the links that end the file.
  return section
    .replace(/^.*\n/, '')
    .replace(/^\[.*\]: .*$/gm, '')
    .trim();
}

try {
  process.stdout.write(`${notesOf(process.argv[2] ?? 'no tag')}\n`);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

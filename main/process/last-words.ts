/** What a child process last wrote to its error output, to be told with its end. */

const charactersMax = 2000;

/**
 * Listens to a child's error output.
 * @returns completes how the child ended, such as `by SIGABRT`, with its last line
 */
export function lastWords(stderr: NodeJS.ReadableStream | null): (how: string) => string {
  let words = '';
  stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-charactersMax);
  });
  return (how) => {
    const line = words.trim().split('\n').at(-1) ?? '';
    return line === '' ? how : `${how}: ${line}`;
  };
}

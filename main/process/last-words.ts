/** Keeps the last line of a child process's error output, to be reported with its end. */

const charactersMax = 2000;

/**
 * Listens to a child's error output.
 * @returns a function that adds the last line to a description of how the child ended, such as
 *   `by SIGABRT`
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

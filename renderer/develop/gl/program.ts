/** A WebGL2 program, whose uniforms are set by name. */

export class Program {
  readonly #gl: WebGL2RenderingContext;
  readonly #program: WebGLProgram;
  readonly #locations = new Map<string, WebGLUniformLocation>();

  /** @throws Error with the compiler's message */
  constructor(gl: WebGL2RenderingContext, vertex: string, fragment: string) {
    this.#gl = gl;
    this.#program = gl.createProgram();
    for (const [kind, source] of [
      [gl.VERTEX_SHADER, vertex],
      [gl.FRAGMENT_SHADER, fragment],
    ] as const) {
      const shader = gl.createShader(kind);
      if (shader === null) throw new Error('expected a WebGL2 context but it is lost');
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(this.#program, shader);
      if (gl.getShaderParameter(shader, gl.COMPILE_STATUS) !== true && !gl.isContextLost()) {
        throw new Error(`expected a shader that compiles but ${gl.getShaderInfoLog(shader) ?? ''}`);
      }
      gl.deleteShader(shader);
    }
    gl.linkProgram(this.#program);
    if (gl.getProgramParameter(this.#program, gl.LINK_STATUS) !== true && !gl.isContextLost()) {
      throw new Error(`expected shaders that fit but ${gl.getProgramInfoLog(this.#program) ?? ''}`);
    }
  }

  use(): void {
    this.#gl.useProgram(this.#program);
  }

  number(name: string, value: number): void {
    this.#gl.uniform1f(this.#location(name), value);
  }

  integer(name: string, value: number): void {
    this.#gl.uniform1i(this.#location(name), value);
  }

  /** Sets two, three or four numbers, or nine for a matrix, row by row. */
  numbers(name: string, values: readonly number[]): void {
    const at = this.#location(name);
    if (values.length === 2) this.#gl.uniform2fv(at, values);
    else if (values.length === 3) this.#gl.uniform3fv(at, values);
    else if (values.length === 4) this.#gl.uniform4fv(at, values);
    else this.#gl.uniformMatrix3fv(at, true, values);
  }

  #location(name: string): WebGLUniformLocation | null {
    const known = this.#locations.get(name);
    if (known !== undefined) return known;
    const found = this.#gl.getUniformLocation(this.#program, name);
    if (found !== null) this.#locations.set(name, found);
    return found;
  }
}

/** Types for the part of libraw-wasm's emscripten module that we use; it has none of its own. */
declare module 'libraw-wasm/dist/libraw.js' {
  export interface LibRawInstance {
    open(bytes: Uint8Array, settings: Readonly<Record<string, unknown>>): unknown;
    metadata(full: boolean): unknown;
    rawImageData(): unknown;
    imageData(): unknown;
    thumbnailData(): unknown;
    /** Embind's handle: `ptr` is the address of the wrapper object in the module's memory. */
    readonly $$: { readonly ptr: number };
  }

  export interface LibRawModule {
    readonly LibRaw: new () => LibRawInstance;
  }

  export default function createModule(options: {
    readonly wasmBinary: Uint8Array;
    readonly wasmMemory: WebAssembly.Memory;
    readonly print?: (line: string) => void;
    readonly printErr?: (line: string) => void;
  }): Promise<LibRawModule>;
}

/**
 * What the core asks of its host: the compressor, which is a library's. Only the thread that
 * changes the system calls it.
 */

/**
 * Compresses the 4096 bytes at `page`; the result stays with the host until `compressedTake`. Its
 * length.
 */
// @ts-ignore: decorator
@external("env", "compressPage")
export declare function compressPage(page: u32): u32;

/** Copies what `compressPage` made to `to`. */
// @ts-ignore: decorator
@external("env", "compressedTake")
export declare function compressedTake(to: u32): void;

/** Makes the 4096 bytes of a page again, at `page`, from `length` bytes at `from`. */
// @ts-ignore: decorator
@external("env", "expandPage")
export declare function expandPage(from: u32, length: u32, page: u32): void;

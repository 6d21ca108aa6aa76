/**
 * What tests need of the public API, and how they make a small empty system.
 */
import { System } from '../../src/index.js';
export * from '../../src/index.js';

/** Pages of a system for tests: enough for any random program, few enough to make quickly. */
export const TEST_PAGES = 8192;

/** An empty system of so many physical pages. */
export const newSystem = (
  physicalPages: number = TEST_PAGES, variant: 'release' | 'debug' = 'release',
): System => System.boot({ memoryBytes: physicalPages * 4096, variant });

/**
 * Lint rules for TypeScript and scripts. The core (`assembly/`) is checked by its own compiler and
 * by `tsc -p assembly`; sizes of files and functions by test/tidy.test.ts.
 */
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["build/", "docs/", "assembly/", "node_modules/", ".tap/"] },
  ...tseslint.configs.recommended,
  {
    files: ["**/*.ts", "**/*.mjs", "**/*.js"],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-self-compare": "error",
      "no-unreachable-loop": "error",
      "no-constant-binary-expression": "error",
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
    },
  },
  {
    // tap's tests and suites return promises that tap itself waits for.
    files: ["test/**/*.ts"],
    rules: { "@typescript-eslint/no-floating-promises": "off" },
  },
);

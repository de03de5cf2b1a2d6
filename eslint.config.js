import tseslint from "typescript-eslint";

const clockMessage =
  "Time is an argument: take `now: Instant`, or a Clock in a shell. Only runtime/clock.ts reads the clock.";

export default tseslint.config(
  { ignores: ["node_modules/", "prisma/generated/", "coverage/", ".streamfleet/"] },
  ...tseslint.configs.strictTypeChecked.map((config) => ({ ...config, files: ["**/*.ts"] })),
  {
    files: ["**/*.ts"],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/no-unnecessary-condition": [
        "error",
        { allowConstantLoopConditions: "only-allowed-literals" },
      ],
      "no-restricted-globals": ["error", { name: "setInterval", message: "Use the injected Clock." }],
      "no-restricted-syntax": [
        "error",
        { selector: "TSEnumDeclaration", message: "Use a union of literals." },
        { selector: "ExportDefaultDeclaration", message: "Use named exports." },
      ],
    },
  },
  {
    files: ["**/*.ts"],
    ignores: ["runtime/clock.ts", "test/**", "bench/**"],
    rules: {
      "no-restricted-syntax": [
        "error",
        { selector: "TSEnumDeclaration", message: "Use a union of literals." },
        { selector: "ExportDefaultDeclaration", message: "Use named exports." },
        { selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']", message: clockMessage },
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: clockMessage },
        { selector: "CallExpression[callee.object.name='performance']", message: clockMessage },
        { selector: "MemberExpression[object.name='process'][property.name='hrtime']", message: clockMessage },
        {
          selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
          message: "Inject randomness.",
        },
      ],
      "no-restricted-globals": [
        "error",
        { name: "setTimeout", message: "Use the injected Clock." },
        { name: "setInterval", message: "Use the injected Clock." },
      ],
    },
  },
  {
    files: ["**/*.ts"],
    ignores: ["runtime/config.ts", "test/**", "bench/**"],
    rules: {
      "no-restricted-properties": [
        "error",
        { object: "process", property: "env", message: "Only runtime/config.ts reads the environment." },
      ],
    },
  },
  {
    files: ["test/**/*.ts"],
    rules: { "@typescript-eslint/no-non-null-assertion": "off" },
  },
);

import js from "@eslint/js";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

const features = [
  "assist",
  "projects",
  "label",
  "exports",
  "people",
  "data",
  "dashboard",
  "details",
];

export default tseslint.config(
  { ignores: ["dist", "src/api/schema.d.ts"] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  jsxA11y.flatConfigs.strict,
  reactHooks.configs.flat.recommended,
  {
    languageOptions: {
      globals: globals.browser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-misused-promises": [
        "error",
        { checksVoidReturn: { attributes: false } },
      ],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    },
  },
  { files: ["eslint.config.js"], extends: [tseslint.configs.disableTypeChecked] },
  // Features meet in app/ only; what they share lies beside them, and knows none of them.
  ...features.map((feature) => ({
    files: [`src/features/${feature}/**`],
    rules: forbid(
      [
        ...features.filter((other) => other !== feature).map((other) => `@/features/${other}/*`),
        "@/app/*",
      ],
      "A feature imports no other feature and nothing of app/.",
    ),
  })),
  {
    files: ["src/annotate/**"],
    rules: forbid(
      ["@/features/*", "@/app/*", "@/api/client", "@/api/queries"],
      "The editor knows neither the network nor the pages around it.",
    ),
  },
  {
    files: ["src/{api,ui,keys,upload,i18n}/**", "src/*.ts"],
    rules: forbid(["@/features/*", "@/app/*"], "What features share knows none of them."),
  },
);

/** @param {string[]} group @param {string} message */
function forbid(group, message) {
  return {
    "no-restricted-imports": ["error", { patterns: [{ group, message }] }],
  };
}

import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** What messages count. "runs" is a verb as well, and "30 seconds" a duration of Temporal's. */
const COUNTED =
  'algorithms|attempts|batches|bytes|candidates|characters|classes|columns|counts|days|faults|features|files|folds|hours|keys|labels|levels|minutes|months|objects|partitions|predictions|probabilities|processes|requests|rows|rules|signals|splits|statements|tasks|times|values|versions|windows|workers';
const COUNTS = [
  {
    selector: `TemplateElement[value.raw=/^ ((of the|scored|labelled|new|whole|other) )?(${COUNTED})\\b/]`,
    message: 'Write a number of things with countOf of src/contracts/counts.ts, which knows that one is not many.',
  },
  {
    selector: 'ConditionalExpression[test.operator="==="][test.right.value=1] > Literal.consequent[value=/^[a-z]/]',
    message: 'Let agreeing of src/contracts/counts.ts choose the form of a word.',
  },
];
const AWAITED = {
  selector:
    ':matches(TryStatement, ExpressionStatement:has(> AwaitExpression)) ~ :matches(VariableDeclaration, ClassDeclaration)[parent.type="Program"]',
  message: 'Declare it above what the module awaits: until that ends, whoever uses it finds it uninitialized.',
};

/** Names of browsers, whose types come with those of the pages' components: here each is a slip. */
const OF_BROWSERS =
  'close closed confirm document event external find focus frames history length location name open origin parent print prompt screen scroll self status stop top window'.split(
    ' ',
  );

export default defineConfig(
  globalIgnores(['dist/', 'node_modules/', '.perdure/', 'coverage/', '.stryker-tmp/', 'deploy/cdk.out/']),
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { project: ['./tsconfig.json', './deploy/tsconfig.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      'no-restricted-globals': ['error', ...OF_BROWSERS],
      // `async` also turns a throw into a rejection, which is reason enough for it.
      '@typescript-eslint/require-await': 'off',
      // A field that the rest of an object is to lack.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
    },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: 'ImportExpression', message: 'Workflows import nothing at run time.' },
        ...COUNTS,
      ],
    },
  },
  {
    files: ['bench/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', AWAITED] },
  },
  {
    files: ['src/**/*.{ts,tsx}', 'workers/**/*.ts', 'activities/**/*.ts', 'deploy/*.ts'],
    rules: { 'no-restricted-syntax': ['error', AWAITED, ...COUNTS] },
  },
  {
    files: ['src/**/*.{ts,tsx}', 'activities/**/*.ts', 'workers/**/*.ts', 'deploy/*.ts'],
    ignores: ['src/environment.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'Read the environment through src/environment.ts: an empty variable is as an unset one.',
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'deploy/test/**/*.ts'],
    rules: {
      // What vitest's asymmetric matchers return is `any`.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      'no-restricted-syntax': [
        'error',
        {
          selector: 'CallExpression[callee.name=/^before/] Identifier[name=/^after/]',
          message:
            'vitest never runs what a beforeAll or beforeEach hands to afterAll or afterEach: begin it at the top of the file.',
        },
      ],
    },
  },
);

import base from '../../jest.config.js';

const { globalSetup: _setup, globalTeardown: _teardown, ...common } = base;

/** @type {import('jest').Config} The suite needs no Postgres, Redis or S3; where it lies is told by `--modulePaths`. */
export default {
  ...common,
  rootDir: '../..',
  roots: ['<rootDir>/scripts/apollo-suite'],
  testMatch: ['<rootDir>/scripts/apollo-suite/suite.test.ts'],
};

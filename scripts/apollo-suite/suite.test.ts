import { defineIntegrationTestSuite } from '@apollo/server-integration-testsuite';
import { createSuiteServer } from './suite-server.js';

defineIntegrationTestSuite(createSuiteServer);

/** The servers that the test script starts. The only place, beside the product's configuration, that reads the environment. */
type TestVariable = 'RYAX_TEST_POSTGRES' | 'RYAX_TEST_BROKER' | 'RYAX_TEST_BROKER_MANAGEMENT' | 'RYAX_TEST_CONTROL';

export function testServer(variable: TestVariable): string {
  const value = process.env[variable];
  if (!value) {
    throw new Error(
      `This spec needs real servers, but ${variable} is not set. Run it with "npm test -- PATH", or start the servers ` +
        'once with "node scripts/test-servers.mjs", export the variables that it prints, and call npx jest.',
    );
  }
  return value;
}

const { appendFileSync } = require('node:fs');

class RyaxException extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

module.exports = async ({ journal, value, add, ms, crashes, refuses }) => {
  const { RYAX_RUN_ID: run, RYAX_EXECUTION: execution, RYAX_ATTEMPT: attempt } = process.env;
  // The effect on the outside: before anything else, in one write, which O_APPEND does not mix with that of others.
  appendFileSync(journal, `${JSON.stringify({ run, execution, attempt: Number(attempt), process: __dirname })}\n`);
  await new Promise((resolve) => setTimeout(resolve, ms));
  if (refuses) throw new RyaxException('it says no', 409);
  if (Number(attempt) <= crashes) throw new Error(`attempt ${attempt} fails on purpose`);
  return { value: value + add };
};

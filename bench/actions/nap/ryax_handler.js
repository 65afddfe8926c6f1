const { randomInt } = require('node:crypto');

// By which the harness knows processes apart: that enough are warm, and that none was started while it measured.
const worker = randomInt(2 ** 31);
let calls = 0;

module.exports = async ({ ms }) => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return { worker, calls: ++calls };
};

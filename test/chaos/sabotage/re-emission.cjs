'use strict';

/*
 * Loaded into a runner before its own code: takes the repeating of starts out of it, so that one which reaches nobody is never
 * sent to another. What the campaign must find then is in campaign.spec.ts.
 */

const { Starts } = require('../../../dist/apps/runner/src/starts.js');

if (typeof Starts.prototype.emitAgain !== 'function') throw new Error('Expected Starts to have emitAgain');
Starts.prototype.emitAgain = () => undefined;

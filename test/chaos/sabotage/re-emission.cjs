'use strict';

/*
 * Loaded into a runner before its own code: takes the repeating of starts out of it, so that one which reaches nobody is never
 * sent to another. What the campaign must find then is in campaign.spec.ts.
 */

const { Effects } = require('../../../dist/apps/runner/src/effects.js');

Effects.prototype.emitAgain = () => undefined;

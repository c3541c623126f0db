// The module of the plan "Basic OP" that waits; in a file of its own, so that it waits beside the others.
import * as client from 'openid-client';
import { RelyingParty, refused } from './lib/relying_party.mjs';
import { someone, suite } from './lib/suite.mjs';

const PAUSE_MS = 30_000;

const shared = suite('conformance-patience', async (all) => {
  Object.assign(all, await someone(all.server));
  all.rp = await RelyingParty.create(all.server);
});

shared.it('oidcc-codereuse-30seconds', async () => {
  const { rp, robot, who } = shared;
  const attempt = await rp.begin();
  const callback = await rp.visit(robot, who, attempt);
  const tokens = await rp.finish(attempt, callback);
  await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); });
  await refused(rp.finish(attempt, callback), 'invalid_grant');
  await refused(client.refreshTokenGrant(rp.configuration, tokens.refresh_token), 'invalid_grant');
});

import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import * as jose from 'jose';
import { limits } from '@ryax/contracts';
import { AuthGuard } from './auth.guard';

jest.mock('jose', () => {
  const actual = jest.requireActual<typeof jose>('jose');
  return { ...actual, jwtVerify: jest.fn(actual.jwtVerify) };
});

const secret = 'a key for tests only, long enough for HS256';
const key = new TextEncoder().encode(secret);

describe(AuthGuard.name, () => {
  const guard = () => {
    const options = { jwtSecretKey: secret, commandDeadlineMs: 1, queryDeadlineMs: 1, limits };
    const reflector = new Reflector();
    jest.spyOn(reflector, 'getAllAndOverride').mockReturnValue('workflow:read');
    return new AuthGuard(options, reflector);
  };
  const asking = (token: string): ExecutionContext => {
    const request = { headers: { authorization: `Bearer ${token}` } };
    const context: Partial<ExecutionContext> = {
      getHandler: () => asking,
      getClass: () => AuthGuard as never,
      switchToHttp: () => ({ getRequest: () => request }) as never,
    };
    return context as ExecutionContext;
  };
  const tokenUntil = (expiresAt: Date) =>
    new jose.SignJWT({ scope: 'workflow:read' })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime(expiresAt)
      .sign(key);

  beforeEach(() => jest.clearAllMocks());
  afterEach(() => jest.useRealTimers());

  it('verifies a token once, however often it comes', async () => {
    const auth = guard();
    const token = await tokenUntil(new Date(Date.now() + 60_000));
    for (let request = 0; request < 5; request++) expect(await auth.canActivate(asking(token))).toBe(true);
    expect(jose.jwtVerify).toHaveBeenCalledTimes(1);
  });

  it('refuses a remembered token once it has expired', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const auth = guard();
    const token = await tokenUntil(new Date(Date.now() + 60_000));
    expect(await auth.canActivate(asking(token))).toBe(true);
    jest.setSystemTime(Date.now() + 61_000);
    await expect(auth.canActivate(asking(token))).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('remembers nothing of a token that is not valid', async () => {
    const auth = guard();
    const forged = `${(await tokenUntil(new Date(Date.now() + 60_000))).slice(0, -4)}AAAA`;
    for (let request = 0; request < 2; request++) await expect(auth.canActivate(asking(forged))).rejects.toThrow();
    expect(jose.jwtVerify).toHaveBeenCalledTimes(2);
  });
});

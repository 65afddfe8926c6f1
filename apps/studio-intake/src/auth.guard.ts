import {
  createParamDecorator,
  Inject,
  Injectable,
  SetMetadata,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { ByteBoundedCache } from '@ryax/platform';
import { jwtVerify, type JWTPayload } from 'jose';
import { MissingScopeError, MissingTokenError } from './errors';
import type { IntakeOptions } from './intake.config';
import { INTAKE_OPTIONS } from './tokens';

/** Who asks. Tenants will come from the token, too; until then everything happens in one project. */
export interface Principal {
  readonly subject: string | null;
  readonly project: string;
}

const scopeKey = 'ryax:scope';
const defaultProject = 'default';
const anonymous: Principal = { subject: null, project: defaultProject };

export type Scope =
  | 'workflow:read'
  | 'workflow:deploy'
  | 'workflow:execute'
  | 'action:publish'
  | 'file:write'
  /** Of whoever keeps the engine running: what it shows is no project's in particular. */
  | 'engine:operate';

/** The scope that a route needs. A route without one is open to everybody: only those that operate the service. */
export const NeedsScope = (scope: Scope) => SetMetadata(scopeKey, scope);

const principals = new WeakMap<FastifyRequest, Principal>();

/** The caller, as a parameter of a route. */
export const Caller = createParamDecorator((_data: unknown, context: ExecutionContext): Principal => {
  return principals.get(context.switchToHttp().getRequest<FastifyRequest>()) ?? anonymous;
});

/**
 * Checks the token (HS256) and the scope that the route declares. Where the engine has no key it takes requests without
 * token; it then listens on the loopback interface only.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  private readonly key: Uint8Array | undefined;
  private readonly verified = new ByteBoundedCache<string, Claims>(rememberedBytes);

  constructor(
    @Inject(INTAKE_OPTIONS) options: IntakeOptions,
    private readonly reflector: Reflector,
  ) {
    this.key = options.jwtSecretKey === undefined ? undefined : new TextEncoder().encode(options.jwtSecretKey);
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const scope = this.reflector.getAllAndOverride<Scope | undefined>(scopeKey, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (scope === undefined || this.key === undefined) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const claims = await this.claimsOf(tokenOf(request.headers.authorization), this.key);
    if (!scopesOf(claims).includes(scope)) throw new MissingScopeError(scope);
    principals.set(request, { subject: typeof claims.sub === 'string' ? claims.sub : null, project: defaultProject });
    return true;
  }

  /** Verifying takes longer than the rest of a request, and gives the same for the same token until that expires. */
  private async claimsOf(token: string, key: Uint8Array): Promise<Claims> {
    const known = this.verified.get(token);
    if (known !== undefined && !hasExpired(known)) return known;
    const claims = await verify(token, key);
    this.verified.set(token, claims, 2 * token.length);
    return claims;
  }
}

type Claims = JWTPayload;

/** Tokens that were verified lately, with what they take in memory; callers have few, and send them with every request. */
const rememberedBytes = 4 * 1024 * 1024;

function hasExpired({ exp }: Claims): boolean {
  return exp !== undefined && exp <= Date.now() / 1000;
}

/** `Authorization: Bearer <token>`, or the token alone as older clients send it. */
function tokenOf(header: string | undefined): string {
  const token = header?.replace(/^Bearer\s+/i, '').trim() ?? '';
  if (token === '') throw new MissingTokenError('Expected a token in the Authorization header, found none');
  return token;
}

async function verify(token: string, key: Uint8Array): Promise<Claims> {
  try {
    return (await jwtVerify(token, key, { algorithms: ['HS256'] })).payload;
  } catch (error) {
    throw new MissingTokenError(`The token is not valid: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** `scope` as a text with blanks (RFC 8693), or `scopes` as a list. */
function scopesOf({ scope, scopes }: Claims): readonly unknown[] {
  if (typeof scope === 'string') return scope.split(' ');
  return Array.isArray(scopes) ? scopes : [];
}

import * as fc from 'fast-check';
import { imageAdvice, pullOf, refusedSinceMs, type Pull } from './image-pull';
import type { Wait } from './pod-wait';
import { recordedPods } from './testing/recorded';
import { waitOf } from './pod-wait';

const pulling = (message: string, reason = 'ErrImagePull') => pullOf({ reason, message });
const head = 'failed to pull and unpack image "docker.io/x/y:1": failed to resolve reference "docker.io/x/y:1": ';
const server = 'unexpected status from HEAD request to https://registry.example/v2/y/manifests/1: ';

/** What nodes were seen to say, by what it means. */
const said: Readonly<Record<Exclude<Pull, 'unsaid'>, readonly string[]>> = {
  refused: [
    `${head}docker.io/x/y:1: not found`,
    `${head}${server}404 Not Found`,
    `${head}pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`,
    `${head}failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://auth.example/token: 401 Unauthorized`,
    `${head}${server}403 Forbidden`,
    'failed to pull and unpack image "docker.io/x/y:1": no match for platform in manifest: not found',
    'no matching manifest for linux/arm64/v8 in the manifest list entries',
    'choosing image instance: no image found in image index for architecture "arm64", variant "v8", OS "linux"',
    'rpc error: code = Unknown desc = Error response from daemon: manifest for x/y:1 not found: manifest unknown: manifest unknown',
    'rpc error: code = Unknown desc = Error response from daemon: unauthorized: authentication required',
    'reading manifest 1 in quay.io/x/y: name unknown: repository not found',
    'registry.example/x/y:1: not found',
    'failed to pull and unpack image "docker.io/x/y:1": failed to resolve image: docker.io/x/y:1: not found',
    'Error: image x:latest not found',
    'artifact library/y:1 not found',
  ],
  away: [
    `${head}failed to do request: Head "https://registry.example/v2/y/manifests/1": dial tcp 192.0.2.1:443: connect: connection refused`,
    `${head}failed to do request: Head "https://registry.example/v2/y/manifests/1": net/http: TLS handshake timeout`,
    `${head}failed to do request: Head "https://registry.example/v2/y/manifests/1": dial tcp: lookup registry.example: no such host`,
    `${head}${server}503 Service Unavailable`,
    `${head}${server}502 Bad Gateway: denied: the upstream has failed`,
    'failed to copy: httpReadSeeker: failed open: unexpected status code https://registry.example/v2/y/manifests/1: 429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit, authentication required',
    'rpc error: code = DeadlineExceeded desc = context deadline exceeded',
    'read tcp 192.0.2.1:4242->192.0.2.2:443: read: connection reset by peer',
    // Of the node, not of the image.
    `${head}exec: "snapshotter": executable file not found in $PATH`,
    `${head}open /etc/containerd/certs.d/hosts.toml: file not found`,
    `${head}secret "regcred" not found`,
    'failed to pull and unpack image "docker.io/x/y:1": configmap "registries" not found',
    'failed to prepare extraction snapshot "extract-1": parent snapshot sha256:0a1b does not exist: not found',
  ],
};

describe('what a node says of an image that it does not have', () => {
  it.each(said.refused)('is a refusal: %s', (message) => {
    expect(pulling(message)).toBe('refused');
    expect(pulling(`Back-off pulling image "docker.io/x/y:1": ErrImagePull: ${message}`, 'ImagePullBackOff')).toBe(
      'refused',
    );
  });

  it.each(said.away)('is that the registry is away: %s', (message) => {
    expect(pulling(message)).toBe('away');
  });

  it.each(['badname', 'never'])('is a refusal where it need not even ask: %s', (name) => {
    const last = recordedPods(name).at(-1)?.object ?? {};
    expect(pullOf(waitOf(last))).toBe('refused');
  });

  it('is nothing where it only waits until it tries again', () => {
    expect(pulling('', 'ImagePullBackOff')).toBe('unsaid');
    expect(pulling('Back-off pulling image "x/y:1"', 'ImagePullBackOff')).toBe('unsaid');
  });

  it.each([
    ['a word', 'x'.repeat(1024 * 1024), 'away'],
    ['a word before a refusal', `${'x'.repeat(1024 * 1024)} unauthorized`, 'refused'],
    ['a name of an image', `image ${':'.repeat(1024 * 1024)}`, 'away'],
    ['a name and a tag', `image a:${'b:'.repeat(512 * 1024)} not found`, 'refused'],
    ['an address', '/denied'.repeat(150_000), 'away'],
    ['a text in quotes that has no end', `"${'x'.repeat(1024 * 1024)}`, 'away'],
  ])('is found where a registry sends 1 MiB: %s', (_what, message, pull) => {
    expect(pulling(message)).toBe(pull);
  });

  it('does not follow from what the image or its registry is called', () => {
    const part = fc.constantFrom('denied', 'unauthorized', 'forbidden', '404', '503', 'timeout', 'manifest', 'x');
    fc.assert(
      fc.property(part, part, part, fc.constantFrom(...said.refused, ...said.away), (host, name, tag, message) => {
        const image = `${host}.example/${name}:${tag}`;
        const named = message.replaceAll('docker.io/x/y:1', image).replaceAll('registry.example', `${host}.example`);
        expect(pulling(named)).toBe(pulling(message));
      }),
    );
  });
});

describe('since when an image is refused', () => {
  const wait = (message: string): Wait => ({ for: 'image', container: 'main', reason: 'ErrImagePull', message });
  const [refusal = ''] = said.refused;
  const [absence = ''] = said.away;

  it('is counted from the first refusal, also while the node says nothing between its tries', () => {
    expect(refusedSinceMs(wait(refusal), undefined, 100)).toBe(100);
    expect(refusedSinceMs(wait(''), 100, 110)).toBe(100);
    expect(refusedSinceMs(wait(refusal), 100, 120)).toBe(100);
  });

  it('is forgotten when its registry is away, or it is there', () => {
    expect(refusedSinceMs(wait(absence), 100, 120)).toBeUndefined();
    expect(refusedSinceMs({ ...wait(''), for: 'containers' }, 100, 120)).toBeUndefined();
    expect(refusedSinceMs(wait(''), undefined, 120)).toBeUndefined();
  });
});

describe('the advice about an image', () => {
  it('is to build it for the platform where there is none for it', () => {
    const cause = 'no match for platform in manifest: not found';
    expect(imageAdvice('ErrImagePull', cause, 'none is set')).toMatch(/^Build it for the nodes' platform/);
  });

  it('is to look at the name, too, where a registry lets nobody in', () => {
    const advice = imageAdvice('ErrImagePull', 'pull access denied, repository does not exist', 'regcred');
    expect(advice).toBe("Check that the registry lets the image pull secrets in (regcred), and the image's name");
  });

  it('is to look at the registry where that is all that is known', () => {
    expect(imageAdvice('ErrImagePull', said.away[0] ?? '', 'none is set')).toContain(
      'that the nodes reach its registry',
    );
  });
});

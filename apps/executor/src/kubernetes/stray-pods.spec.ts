import type { V1Pod } from '@kubernetes/client-node';
import { StrayPods } from './stray-pods';

const pod = (uid: string): V1Pod => ({ metadata: { uid } });
const unheld = () => true;

describe('a pod of ours that no attempt holds', () => {
  let strays: StrayPods;
  beforeEach(() => (strays = new StrayPods()));

  it('is stray when it was seen so for a while', () => {
    expect(strays.among([pod('a')], unheld, 0)).toEqual([]);
    expect(strays.among([pod('a'), pod('b')], unheld, 14_999)).toEqual([]);
    expect(strays.among([pod('a'), pod('b')], unheld, 15_000)).toEqual([pod('a')]);
  });

  it('is not stray when it was held meanwhile: the while begins anew', () => {
    strays.among([pod('a')], unheld, 0);
    strays.among([pod('a')], () => false, 10_000);
    expect(strays.among([pod('a')], unheld, 20_000)).toEqual([]);
    expect(strays.among([pod('a')], unheld, 35_000)).toEqual([pod('a')]);
  });

  it('is never stray when an attempt has had it, for as long as it is there', () => {
    strays.account('a');
    for (let ms = 0; ms < 1e6; ms += 1e5) expect(strays.among([pod('a')], unheld, ms)).toEqual([]);
  });
});

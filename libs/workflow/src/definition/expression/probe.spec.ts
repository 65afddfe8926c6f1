import { parseExpression } from './parse';
import { compileExpression } from './compile';
import { listOf, objectOf, scalar, unknownType, orNull, type StaticType } from '../static-type';
const roots: Record<string, StaticType> = {
  trigger: objectOf([['n', scalar('integer')], ['x', scalar('float')], ['s', scalar('string')], ['file', scalar('file')], ['pw', scalar('password')]]),
  fit: listOf(orNull(objectOf([['b_value', scalar('float')], ['count', scalar('integer')]]))),
  split: orNull(objectOf([['regions', unknownType], ['n', scalar('integer')]])),
  item: unknownType, index: scalar('integer'),
};
const scope = { trigger: { n: 7, x: 1.5, s: 'abc', file: { $file: 'a', size: 3, name: 'q', kind: 'file' } }, fit: [null, { b_value: 0.5, count: 3 }, { b_value: 2, count: 5 }], split: { regions: [{ name: 'a', n: 3 }], n: 2 }, item: { name: 'z', n: 3, 'constructor': 1 }, index: 4 };
it('probes', () => {
  for (const text of ['=trigger.n', '=trigger.n / 2', '=item.n / 2', '=trigger.n + 1', '=trigger.x + trigger.n', '=fit.exists(f, f != null && f.b_value < 0.7)', '=fit.exists(f, f != null && f.b_valu < 0.7)', '=fit.filter(f, f != null).map(f, f.count / 2)', '=fit[1].count / 2','=fit.b_value', '=size(fit)', '=split.regions[0].n', '=split.regon', '=trigger.s + 1', '=trigger.s.matches("a")', '=foo(1)', '=trigger.file.size / 2', '=trigger.pw + "a"', '={"a": trigger.n, "b": [1, 2.5]}', '=split == null ? null : split.n', '=has(split.n)', '=fit.map(a, fit.map(b, fit.map(c, fit.map(d, fit.map(e, 1)))))', '=1 +', '=', '="a" in ["a"]', '=item.name.split("")', '=fit == fit', '=!trigger.s', '=-trigger.n', '=1 - (2 - 3)', '=(1 - 2) * 3', '=item.nope', '=item.name.nope.x', '=index + 1', '=1/0', '=1.0/0.0', '=b"abc"', '=trigger.n > 3 ? "a" : "b"', '=trigger.n > 3 ? 1 : 2.5', '=int(item.n) % 2', '=[3,1].exists(x, x == trigger.n)', '=size(trigger)','=trigger.s.substring(index - 3)', '=string(trigger.n) + "a"', '=item["n"] + 1', '=item[trigger.s]', '=fit[trigger.n]', '=state.x == "a"']) {
    const parsed = parseExpression(text);
    if (!parsed.ok) { console.log(text, 'PARSE', parsed.reasons); continue; }
    const c = compileExpression(parsed.expression, (p) => roots[p[0]!] ?? unknownType);
    if (!c.ok) { console.log(text, 'FAULT', JSON.stringify(c.faults.map((f) => f.reason))); continue; }
    console.log(text, c.compiled.type.kind, (c.compiled.type as any).type ?? '', JSON.stringify(c.compiled.expression.evaluate(scope as any)));
  }
});

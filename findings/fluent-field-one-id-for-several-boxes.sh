#!/usr/bin/env bash
# @fluentui/react-components 9.74.11: checkboxes in one Field all get the same id, so each label ticks the first box.
#
# Field looks like a fieldset: a label, a hint, a message, and whatever is inside. It hands an id and the for of its
# label down by context, and every control below takes it as its own, however many there are and however deep.
# Two checkboxes that have labels of their own, and no id, become two inputs of one id: the browser follows `for` to
# the first, so a click on "skipped" ticks "labeled", a screen reader names one box twice, and nothing is warned of.
# Switch, Input and Select do the same. Outside a Field each gets an id of its own. A group wants a <fieldset>.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @fluentui/react-components@9.74.11 react@19.3.1 react-dom@19.3.1
cat > shown.cjs <<'JS'
const assert = require("node:assert");
const { createElement: h } = require("react");
const { renderToStaticMarkup } = require("react-dom/server");
const { Checkbox, Field, Input, Switch } = require("@fluentui/react-components");

const ids = (shown) => [...renderToStaticMarkup(shown).matchAll(/<input[^>]* id="([^"]*)"/g)].map((found) => found[1]);
const two = (kind, props) => h("div", null, h(kind, props("labeled")), h(kind, props("skipped")));
const labeled = (label) => ({ label });

console.log("Fluent UI", require("@fluentui/react-components/package.json").version);
const boxes = ids(h(Field, { label: "States" }, two(Checkbox, labeled)));
const switches = ids(h(Field, { label: "States" }, two(Switch, labeled)));
const inputs = ids(h(Field, { label: "Range" }, two(Input, (name) => ({ "aria-label": name }))));
const alone = ids(two(Checkbox, labeled));
console.log("in a Field: checkboxes", boxes, "switches", switches, "inputs", inputs);
console.log("without:    checkboxes", alone);
for (const found of [boxes, switches, inputs]) {
  assert.strictEqual(found.length, 2);
  assert.strictEqual(new Set(found).size, 1, "each has an id of its own now");
}
assert.strictEqual(new Set(alone).size, 2);
JS
node shown.cjs

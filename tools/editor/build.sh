#!/bin/sh
# Bundle CodeMirror into static/vendor/codemirror/: one file, the packages in it, their licences, checksums.
# Needs npm (only here, never to run or test Meshline). Usage: tools/editor/build.sh, or `make vendor`.
# New versions: change package.json, run with --relock, look at the pages, commit all of it.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
to=$here/../../static/vendor/codemirror
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

cp "$here/package.json" "$here/bundle.js" "$work/"
if [ "${1:-}" = --relock ]; then
    (cd "$work" && npm install --silent --ignore-scripts --package-lock-only)
    # Where a package was fetched from is nobody's business; its checksum says what it is.
    sed '/^ *"resolved": /d' "$work/package-lock.json" > "$here/package-lock.json"
fi
cp "$here/package-lock.json" "$work/"
cd "$work"
npm ci --silent --ignore-scripts
rm -rf "$to"
mkdir -p "$to"
node_modules/.bin/esbuild bundle.js --bundle --minify --format=iife --global-name=CodeMirror \
    --target=es2022 --charset=utf8 --legal-comments=none --metafile=meta.json --log-level=warning \
    --outfile="$to/codemirror.min.js"
# Only what went into the file is named, and its licence kept.
node - "$to" <<'JS'
const { readFileSync, writeFileSync } = require("node:fs");
const found = new Set();
for (const path of Object.keys(require(process.cwd() + "/meta.json").inputs)) {
  const name = path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//);
  if (name) found.add(name[1]);
}
const names = [...found].sort();
const version = (name) => require(`${process.cwd()}/node_modules/${name}/package.json`).version;
const licences = new Map();
for (const name of names) {
  const text = readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim();
  licences.set(text, [...(licences.get(text) ?? []), name]);
}
writeFileSync(`${process.argv[2]}/PACKAGES`, names.map((name) => `${name} ${version(name)}\n`).join(""));
writeFileSync(`${process.argv[2]}/VERSION`, `${version("@codemirror/view")}\n`);
writeFileSync(`${process.argv[2]}/LICENSE`,
  [...licences].map(([text, of]) => `${of.join(", ")}\n\n${text}\n`).join("\n----\n\n"));
JS
cd "$to"
LC_ALL=C ls | xargs sha256sum > "$work/sums"
mv "$work/sums" SHA256SUMS
echo "static/vendor/codemirror"

#!/bin/sh
# Copy the browser files named in package.json to static/vendor/, each with its licence and checksums.
# Needs npm (only here, never to run or test Meshline). Usage: tools/vendor.sh, or `make vendor`.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

# fetch PACKAGE: unpack the exact version of package.json; sets $version and $from.
fetch() {
    version=$(sed -n "s|^ *\"$1\": \"\([0-9.]*\)\",\{0,1\}$|\1|p" "$root/package.json")
    [ -n "$version" ] || { echo "package.json names no exact version of $1." >&2; exit 1; }
    mkdir -p "$work/$1"
    (cd "$work/$1" && npm pack --silent "$1@$version" >/dev/null && tar xzf ./*.tgz)
    from="$work/$1/package"
}

# place NAME FILE...: replace static/vendor/NAME-<version>/ by the files and their licence.
place() {
    name=$1
    shift
    rm -rf "$root/static/vendor/$name"-[0-9]*
    to="$root/static/vendor/$name-$version"
    mkdir -p "$to"
    for file in "$@"; do cp "$from/$file" "$to/"; done
    cp "$from/LICENSE" "$to/LICENSE"
    (cd "$to" && find . -type f ! -name SHA256SUMS -print | sed 's|^\./||' | LC_ALL=C sort \
        | xargs sha256sum > SHA256SUMS)
    echo "static/vendor/$name-$version"
}

fetch htmx.org && place htmx dist/htmx.min.js
fetch idiomorph && place idiomorph dist/idiomorph-ext.min.js
fetch @fontsource-variable/inter && place inter files/inter-latin-wght-normal.woff2 \
    files/inter-latin-ext-wght-normal.woff2
fetch @fontsource-variable/jetbrains-mono && place jetbrains-mono \
    files/jetbrains-mono-latin-wght-normal.woff2
fetch lucide-static
python3 "$root/tools/pick_icons.py" "$from/icon-nodes.json" "$root/tools/icons.txt" > "$from/icons.json"
place lucide icons.json
sh "$root/tools/editor/build.sh"

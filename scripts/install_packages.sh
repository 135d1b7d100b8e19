#!/usr/bin/env bash
# Install the Debian packages of a list where that can be done; say what is missing where it cannot.
set -euo pipefail
missing=()
while read -r name; do
    [[ -z $name || $name == \#* ]] && continue
    dpkg-query --show --showformat='${Status}' "$name" 2>/dev/null | grep -q "ok installed" || missing+=("$name")
done <"$1"
((${#missing[@]})) || exit 0
if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
    echo "$2: packages are missing that only root may install." >&2
    echo "To install them: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
fi

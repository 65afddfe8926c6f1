#!/bin/sh
# Starts the service that is named by the first argument.
set -eu
service="${1:-standalone}"
main="/opt/ryax/dist/apps/$service/src/main.js"
if [ ! -f "$main" ]; then
  echo "Expected one of studio-intake, runner, executor, state-store, standalone; found '$service'" >&2
  exit 64
fi
# As scripts/lib/processes.mjs has it (engineFlags, serviceFlags), and why.
memory='--max-semi-space-size=64'
if [ "$service" != standalone ]; then memory="$memory --heap-growing-percent=60"; fi
# shellcheck disable=SC2086 # two flags
exec node --enable-source-maps $memory "$main"

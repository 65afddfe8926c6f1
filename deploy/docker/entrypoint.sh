#!/bin/sh
# Starts the service that is named by the first argument.
set -eu
service="${1:-standalone}"
main="/opt/ryax/dist/apps/$service/src/main.js"
if [ ! -f "$main" ]; then
  echo "Expected one of studio-intake, runner, executor, state-store, standalone; found '$service'" >&2
  exit 64
fi
# As scripts/lib/processes.mjs has it (serviceFlags), and why.
exec node --enable-source-maps --max-semi-space-size=64 "$main"

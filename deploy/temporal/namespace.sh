#!/bin/sh
# Makes the namespace once the frontend answers, and says how long it keeps histories: the database keeps the truth for ever.
set -eu
temporal operator namespace describe --namespace "$NAMESPACE" >/dev/null 2>&1 \
  || temporal operator namespace create --namespace "$NAMESPACE" --retention "$RETENTION"
temporal operator namespace update --namespace "$NAMESPACE" --retention "$RETENTION"

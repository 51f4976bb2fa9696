"""Says what W&B's server has: `python -m ablations.tracking.wandb.server_process PROJECT STUDY`.

A line of JSON for each run: `id, state, tags, summary`. A project that does not exist has no runs.
"""

import json
import os
import sys

import wandb


def main(project: str, study: str) -> None:
    """Print the runs of a study."""
    api = wandb.Api(timeout=30)
    entity = os.environ.get("WANDB_ENTITY") or str(api.default_entity)
    # Lazily, each run's summary would be one more request.
    runs = api.runs(f"{entity}/{project}", filters={"group": study}, per_page=500, lazy=False)
    try:
        for run in runs:
            summary = {
                k: v for k, v in dict(run.summary_metrics).items() if not isinstance(v, dict)
            }
            said = {"id": run.id, "state": run.state, "tags": list(run.tags), "summary": summary}
            sys.stdout.write(json.dumps(said) + "\n")
    except ValueError as error:
        if "Could not find project" not in str(error):
            raise


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What happens inside a worker? One attempt at a run, from its settings to its `result.json`.

May import `ablations` and `records`. Imported by `executors` and `studies`.
"""

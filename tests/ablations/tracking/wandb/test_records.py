import json

from ablations.tracking.wandb.records import attempts, committed_results, read_json, recorded_epochs


def test_results_come_in_the_order_in_which_runs_ended(recorded):
    ended = [result["ended"] for result in committed_results(recorded, ())]
    assert len(ended) == 4
    assert ended == sorted(ended)


def test_a_file_that_was_cut_off_is_none(tmp_path):
    (tmp_path / "cut.json").write_text('{"state": "COMP')
    assert read_json(tmp_path / "cut.json") is None
    assert read_json(tmp_path / "absent.json") is None


def test_attempts_are_in_numerical_order(tmp_path):
    for name in ("10", "2", "1"):
        (tmp_path / "runs" / "a" / name).mkdir(parents=True)
    (tmp_path / "runs" / "a" / "checkpoint.ckpt").touch()
    assert attempts(tmp_path, "a") == [1, 2, 10]


def test_a_later_attempt_replaces_the_epochs_it_ran_again(tmp_path):
    for attempt, rows in ((1, [(1, 0.9), (2, 0.8)]), (2, [(2, 0.7), (3, 0.6)])):
        made = tmp_path / "runs" / "a" / str(attempt)
        made.mkdir(parents=True)
        lines = [json.dumps({"epoch": epoch, "val_loss": loss}) for epoch, loss in rows]
        (made / "epochs.jsonl").write_text("\n".join([*lines, '{"epoch": 9, "va']))
    losses = {n: [r["val_loss"] for r in recorded_epochs(tmp_path, "a", n)] for n in (1, 2)}
    assert losses == {1: [0.9, 0.8], 2: [0.9, 0.7, 0.6]}
    assert [r["epoch"] for r in recorded_epochs(tmp_path, "a", 2, before=3)] == [1, 2]

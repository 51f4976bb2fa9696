import fcntl
import json
import shutil
import threading
import urllib.error
import urllib.request

import pytest

from ablations.cli.main import main
from ablations.engine.records.folder import StudyFolder
from ablations.engine.records.index import Index
from ablations.errors import StudyError
from ablations.tracking.optuna.attach import attach_report
from ablations.tracking.optuna.dashboard import is_loopback, make_dashboard, make_server

pytest.importorskip("optuna_dashboard")


@pytest.fixture(scope="session")
def _indexed(record, tmp_path_factory):
    folder = StudyFolder.open(record(tmp_path_factory.mktemp("indexed")))
    plan = folder.plan()
    index = Index(folder.journal_file, study="first")
    index.prepare(plan)
    for planned in plan:
        index.add(planned, folder.result(planned.run))
    index.close()
    return folder.path


@pytest.fixture
def indexed(_indexed, tmp_path):
    """A recorded study with its Optuna journal."""
    return shutil.copytree(_indexed, tmp_path / "indexed")


@pytest.fixture
def reported(indexed):
    """The same with a written report."""
    figures = indexed / "report" / "figures"
    figures.mkdir(parents=True)
    (figures / "ratio.png").write_bytes(b"first drawing")
    (indexed / "report" / "report.md").write_text("# first\n\nr* is 8.\n\n## Evidence\n\nmore")
    return indexed


@pytest.fixture
def serve():
    """Serves an application on loopback, and gets addresses from it."""
    servers = []

    def start(application, host="127.0.0.1"):
        server = make_server(application, host=host, port=0)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def get(address, **headers):
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
        return answer.read()


def study_of(folder, address):
    studies = json.loads(get(f"{address}/api/studies"))["study_summaries"]
    assert [study["study_name"] for study in studies] == ["first"]
    return json.loads(get(f"{address}/api/studies/{studies[0]['study_id']}"))


def test_the_dashboard_shows_the_runs(indexed, serve):
    shown = study_of(indexed, serve(make_dashboard(indexed)))
    states = sorted(trial["state"] for trial in shown["trials"])
    assert states == ["Complete", "Complete", "Fail", "Pruned"]


def test_the_report_is_attached_once_and_shown(reported, serve):
    assert attach_report(reported) == "attached"
    before = (reported / "journal.log").read_bytes()
    assert attach_report(reported) == "unchanged"
    assert (reported / "journal.log").read_bytes() == before
    address = serve(make_dashboard(reported))
    shown = study_of(reported, address)
    assert shown["note"]["body"].startswith(
        "r* is 8.\n\n*The importance panel of this dashboard is"
    )
    assert shown["objective_names"] == ["val_loss"]
    [artifact] = shown["artifacts"]
    assert artifact["filename"] == "ratio.png"
    file = get(f"{address}/artifacts/{shown['trials'][0]['study_id']}/{artifact['artifact_id']}")
    assert file == b"first drawing"


def test_writing_a_report_attaches_it(indexed, capsys):
    main(["report", str(indexed)])
    said = "Its figures and verdict are attached to the study: `ablate dashboard` shows them."
    assert capsys.readouterr().out.splitlines()[-1] == said
    assert attach_report(indexed) == "unchanged"
    main(["report", str(indexed)])
    assert said not in capsys.readouterr().out


@pytest.mark.usefixtures("few_figures")
def test_writing_a_report_leaves_the_journal_of_a_running_study_alone(indexed, capsys):
    before = (indexed / "journal.log").read_bytes()
    with (indexed / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        main(["report", str(indexed)])
    assert "The study is running, and its supervisor is the one" in capsys.readouterr().out
    assert (indexed / "journal.log").read_bytes() == before


@pytest.mark.usefixtures("few_figures")
def test_a_report_that_can_not_be_attached_is_written_all_the_same(indexed, capsys):
    (indexed / "artifacts").write_text("in the way")
    main(["report", str(indexed)])
    said = capsys.readouterr()
    assert (indexed / "report" / "index.html").is_file()
    assert said.err.startswith("warning: the report is not attached for the dashboard: ")
    assert said.err.count("\n") == 1


@pytest.mark.usefixtures("few_figures")
def test_a_damaged_journal_does_not_keep_a_report_from_being_written(indexed, capsys):
    (indexed / "journal.log").write_text("garbage\n")
    main(["report", str(indexed)])
    assert (indexed / "report" / "index.html").is_file()
    said = capsys.readouterr().err
    assert "journal.log is not readable. It is an index of the records: delete it, and" in said


def test_a_figure_that_changed_takes_the_place_of_the_one_before(reported, serve):
    attach_report(reported)
    (reported / "report" / "figures" / "ratio.png").write_bytes(b"second drawing")
    assert attach_report(reported) == "attached"
    address = serve(make_dashboard(reported))
    shown = study_of(reported, address)
    [artifact] = shown["artifacts"]
    file = get(f"{address}/artifacts/{shown['trials'][0]['study_id']}/{artifact['artifact_id']}")
    assert file == b"second drawing"


def test_a_report_that_is_written_while_the_page_is_open_appears(indexed, serve, add_report):
    address = serve(make_dashboard(indexed))
    assert study_of(indexed, address)["artifacts"] == []
    add_report(indexed)
    shown = study_of(indexed, address)
    assert [artifact["filename"] for artifact in shown["artifacts"]] == ["ratio.png"]
    assert shown["note"]["body"].startswith("r* is 8.")


def test_nothing_is_written_beside_a_running_study(reported, serve):
    before = (reported / "journal.log").read_bytes()
    with (reported / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert attach_report(reported) == "running"
        assert (reported / "journal.log").read_bytes() == before
        # It can be looked at all the same.
        assert len(study_of(reported, serve(make_dashboard(reported)))["trials"]) == 4


def test_a_study_without_a_report_has_nothing_to_attach(indexed):
    assert attach_report(indexed) == "no report"


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "api/studies/0"), ("PUT", "api/studies/0/note"), ("POST", "api/studies")],
)
def test_nothing_can_be_changed_or_deleted(indexed, serve, method, path):
    address = serve(make_dashboard(indexed))
    before = (indexed / "journal.log").read_bytes()
    request = urllib.request.Request(f"{address}/{path}", method=method, data=b"{}")
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        urllib.request.urlopen(request)
    assert json.loads(refused.value.read()) == {"reason": "the dashboard of a study is read-only."}
    assert (indexed / "journal.log").read_bytes() == before


def test_another_site_can_not_read_it_under_its_own_name(indexed, serve):
    address = serve(make_dashboard(indexed))
    with pytest.raises(urllib.error.HTTPError, match="403"):
        get(f"{address}/api/studies", Host="evil.example:80")
    assert b"first" in get(f"{address}/api/studies", Host="localhost:80")


def test_a_taken_port_says_what_to_do(indexed):
    application = make_dashboard(indexed)
    with make_server(application, host="127.0.0.1", port=0) as first:
        port = first.server_port
        message = (
            f"port {port} of 127.0.0.1 is taken. Name another with `--port`; 0 takes any free one."
        )
        with pytest.raises(StudyError, match=message):
            make_server(application, host="127.0.0.1", port=port)


@pytest.mark.parametrize("port", [-1, 70000])
def test_an_impossible_port_is_refused(indexed, port):
    with pytest.raises(StudyError, match=f"the dashboard can not listen at 127.0.0.1:{port}: "):
        make_server(make_dashboard(indexed), host="127.0.0.1", port=port)


def test_a_lost_journal_is_written_anew(recorded, serve):
    address = serve(make_dashboard(recorded))
    [study] = json.loads(get(f"{address}/api/studies"))["study_summaries"]
    shown = json.loads(get(f"{address}/api/studies/{study['study_id']}"))
    assert sorted(t["state"] for t in shown["trials"]) == ["Complete", "Complete", "Fail", "Pruned"]


def test_a_search_without_a_journal_says_how_to_get_one(recorded):
    plan = (recorded / "plan.jsonl").read_text()
    (recorded / "plan.jsonl").write_text(plan.replace('"grid"', '"search"'))
    message = r"has no journal.log. Give `ablate run` for the study again: it writes the journal"
    with pytest.raises(StudyError, match=message):
        make_dashboard(recorded)


def test_without_the_extra_it_is_named(recorded, monkeypatch):
    monkeypatch.setattr("ablations.tracking.optuna.attach.find_spec", lambda _: None)
    message = r"the dashboard needs the extra `dashboard`: `pip install 'ablations\[dashboard\]'`."
    with pytest.raises(StudyError, match=message):
        make_dashboard(recorded)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("host", False),
    ],
)
def test_only_this_machine_is_loopback(host, expected):
    assert is_loopback(host) is expected

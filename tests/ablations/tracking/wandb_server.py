"""A server on loopback that speaks as much of W&B's protocol as its client uses.

What is sent is kept as the server would show it: one `SentRun` for each run id, with the file stream's
offsets obeyed, so that a second upload of the same rows changes nothing.
"""

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class SentRun:
    id: str
    group: str | None = None
    job_type: str | None = None
    name: str | None = None
    tags: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    history: dict[int, dict[str, Any]] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    exit_code: int | None = None

    @property
    def state(self) -> str:
        return {None: "running", 0: "finished"}.get(self.exit_code, "failed")


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that goes away in the middle is no fault of the server."""


class WandbServer:
    """`url`, what was sent (`runs`, `views`, `artifacts`), every operation by name (`calls`)."""

    def __init__(self) -> None:
        self.runs: dict[str, SentRun] = {}
        self.views: dict[str, dict[str, Any]] = {}
        self.artifacts: dict[str, dict[str, Any]] = {}
        self.uploads: dict[str, bytes] = {}
        self.calls: list[str] = []
        self.unknown: list[str] = []
        self.bytes_seen: list[bytes] = []
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"wandb": self})
        self._http = _Quiet(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        """Stop answering; a second call does nothing."""
        if not self._thread.is_alive():
            return
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def graphql(self, body: dict[str, Any]) -> dict[str, Any]:
        match = re.search(r"\b(?:query|mutation)\s+(\w+)", body["query"])
        name = match[1] if match else "?"
        self.calls.append(name)
        answer = getattr(self, re.sub(r"(?=[A-Z])", "_", name[0].upper() + name[1:]).lower(), None)
        if answer is None:
            self.unknown.append(body["query"])
            return {"errors": [{"message": f"{name} is not spoken here"}], "data": None}
        with self._lock:
            return {"data": answer(body.get("variables") or {})}

    def _viewer(self, _: dict[str, Any]) -> dict[str, Any]:
        return {
            "viewer": {
                "id": "u",
                "entity": "me",
                "username": "me",
                "email": "",
                "flags": "{}",
                "admin": False,
                "name": "me",
                "deletedAt": None,
                "apiKeys": {"edges": []},
                "teams": {"edges": []},
            }
        }

    def _get_default_entity(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"viewer": {"id": "u", "entity": "me"}}

    def _upsert_bucket(self, v: dict[str, Any]) -> dict[str, Any]:
        run = self.runs.setdefault(v["name"], SentRun(v["name"]))
        inserted = run.group is None
        run.group = v.get("groupName") or run.group
        run.job_type = v.get("jobType") or run.job_type
        run.name = v.get("displayName") or run.name
        run.tags = v.get("tags") or run.tags
        if v.get("config"):
            run.config = {k: x["value"] for k, x in json.loads(v["config"]).items()}
        return {
            "upsertBucket": {
                "inserted": inserted,
                "bucket": {
                    "id": run.id,
                    "name": run.id,
                    "displayName": run.name,
                    "description": None,
                    "config": "{}",
                    "sweepName": None,
                    "historyLineCount": len(run.history),
                    "project": _project(v.get("project")),
                },
            }
        }

    def _run_resume_status(self, v: dict[str, Any]) -> dict[str, Any]:
        run = self.runs.get(v["name"])
        entity = {"id": "e", "name": "me"}
        return {
            "model": {
                "id": "1",
                "name": v["project"],
                "entity": entity,
                "bucket": run and _tail(run),
            }
        }

    def _create_run_files(self, v: dict[str, Any]) -> dict[str, Any]:
        files = [
            {"name": name, "uploadUrl": f"{self.url}/up/{v['run']}/{name}"} for name in v["files"]
        ]
        return {"createRunFiles": {"runID": v["run"], "uploadHeaders": [], "files": files}}

    def _runs(self, v: dict[str, Any]) -> dict[str, Any]:
        wanted = json.loads(v.get("filters") or "{}").get("group")
        runs = [run for run in self.runs.values() if wanted in (None, run.group)]
        edges = [{"node": _node(run), "cursor": run.id} for run in runs]
        page = {"endCursor": None, "hasNextPage": False}
        found = {
            "internalId": "1",
            "runCount": len(runs),
            "readOnly": False,
            "runs": {"edges": edges, "pageInfo": page},
        }
        return {"project": found}

    def _upsert_view2(self, v: dict[str, Any]) -> dict[str, Any]:
        id = v.get("id") or f"view{len(self.views)}"
        inserted = id not in self.views
        self.views[id] = (
            {"name": self.views.get(id, v)["name"]} | v | {"spec": json.loads(v["spec"])}
        )
        project = {"id": "p", "name": v["projectName"], "entityName": v["entityName"]}
        view = {
            "id": id,
            "name": v["name"],
            "displayName": v["displayName"],
            "spec": v["spec"],
            "type": v["type"],
            "description": v["description"] or "",
            "updatedAt": None,
            "project": project,
        }
        return {"upsertView": {"view": view, "inserted": inserted}}

    _upsert_view = _upsert_view2

    def _view(self, v: dict[str, Any]) -> dict[str, Any]:
        nodes = [
            {"id": id, "displayName": view["displayName"], "spec": json.dumps(view["spec"])}
            for id, view in self.views.items()
            if view["name"] == v["viewName"]
        ]
        return {"project": {"allViews": {"edges": [{"node": node} for node in nodes]}}}

    def _get_projects(self, v: dict[str, Any]) -> dict[str, Any]:
        page = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}
        return {"models": {"pageInfo": page, "edges": []}}

    def _create_project(self, v: dict[str, Any]) -> dict[str, Any]:
        made = {
            "id": "p",
            "name": "ablations",
            "entityName": "me",
            "description": None,
            "access": None,
            "views": None,
        }
        return {"upsertModel": {"project": made, "model": made, "inserted": True}}

    def _project_internal_id(self, v: dict[str, Any]) -> dict[str, Any]:
        return {"project": {"id": "p", "internalId": "1"}}

    def _server_features_query(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"serverInfo": {"features": []}}

    def _create_artifact(self, v: dict[str, Any]) -> dict[str, Any]:
        given = v["input"]
        id = f"artifact{len(self.artifacts)}"
        name = given["artifactCollectionName"]
        self.artifacts[id] = {"name": name, "type": given["artifactTypeName"], "state": "PENDING"}
        made = {"id": id, "state": "PENDING", "artifactSequence": {"latestArtifact": None}}
        return {"createArtifact": {"artifact": made}}

    def _create_artifact_manifest(self, v: dict[str, Any]) -> dict[str, Any]:
        id = v.get("artifactID") or v["input"]["artifactID"]
        file = {
            "id": "f",
            "name": "manifest",
            "displayName": "manifest",
            "uploadHeaders": [],
            "uploadUrl": f"{self.url}/artifact/{id}/manifest",
        }
        made = {"id": f"{id}-manifest", "file": file}
        return {"createArtifactManifest": {"artifactManifest": made}}

    def _create_artifact_files(self, v: dict[str, Any]) -> dict[str, Any]:
        edges = []
        for spec in v.get("artifactFiles") or v["input"]["artifactFiles"]:
            url = f"{self.url}/artifact/{spec['artifactID']}/{spec['name']}"
            edges.append(
                {
                    "node": {
                        "id": "f",
                        "name": spec["name"],
                        "displayName": spec["name"],
                        "uploadUrl": url,
                        "uploadHeaders": [],
                        "storagePath": None,
                        "uploadMultipartUrls": None,
                        "artifact": {"id": spec["artifactID"]},
                    }
                }
            )
        return {"createArtifactFiles": {"files": {"edges": edges}}}

    def _commit_artifact(self, v: dict[str, Any]) -> dict[str, Any]:
        id = v.get("artifactID") or v["input"]["artifactID"]
        self.artifacts[id]["state"] = "COMMITTED"
        return {"commitArtifact": {"artifact": {"id": id, "digest": "d"}}}

    def stream(self, run: SentRun, body: dict[str, Any]) -> None:
        for name, chunk in (body.get("files") or {}).items():
            lines = [json.loads(line) for line in chunk["content"] if line]
            if name == "wandb-history.jsonl":
                run.history |= dict(enumerate(lines, start=chunk["offset"]))
            elif name == "wandb-summary.json" and lines:
                run.summary = lines[-1]
        if body.get("complete"):
            run.exit_code = body["exitcode"]


def _project(name: str | None) -> dict[str, Any]:
    return {"id": "1", "name": name, "entity": {"id": "e", "name": "me"}}


def _tail(run: SentRun) -> dict[str, Any]:
    last = [json.dumps(row) for _, row in sorted(run.history.items())][-1:]
    return {
        "id": run.id, "name": run.id, "displayName": run.name, "logLineCount": 0, "notes": None,
        "summaryMetrics": json.dumps(run.summary), "historyLineCount": len(run.history),
        "eventsLineCount": 0, "historyTail": json.dumps(last), "eventsTail": "[]", "tags": run.tags,
        "config": json.dumps({key: {"value": value} for key, value in run.config.items()}),
        "wandbConfig": json.dumps({"t": {}}),
    }  # fmt: skip


def _node(run: SentRun) -> dict[str, Any]:
    return {
        "id": run.id, "name": run.id, "displayName": run.name, "projectId": "1", "tags": run.tags,
        "sweepName": None, "state": run.state, "group": run.group, "jobType": run.job_type,
        "commit": None, "readOnly": False, "createdAt": "2026-11-21T00:00:00Z", "heartbeatAt": None,
        "description": None, "notes": None, "historyLineCount": len(run.history),
        "user": {"name": "me", "username": "me"}, "systemMetrics": "{}",
        "config": json.dumps({key: {"value": value} for key, value in run.config.items()}),
        "summaryMetrics": json.dumps(run.summary), "historyKeys": None,
    }  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    wandb: WandbServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.wandb.bytes_seen.append(data)
        if self.path.endswith("/graphql"):
            return self._answer(self.wandb.graphql(json.loads(data)))
        if match := re.fullmatch(r"/files/[^/]+/[^/]+/([^/]+)/file_stream", self.path):
            run = self.wandb.runs.setdefault(match[1], SentRun(match[1]))
            self.wandb.stream(run, json.loads(data))
            return self._answer({"exitcode": None, "limits": {}})
        return self._answer({}, code=404)

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.wandb.bytes_seen.append(data)
        self.wandb.uploads[self.path] = data
        if match := re.fullmatch(r"/up/([^/]+)/(.+)", self.path):
            self.wandb.runs[match[1]].files[match[2]] = data
        self._answer({})

    def do_GET(self) -> None:
        self._answer({}, code=404)

    def _answer(self, content: dict[str, Any], code: int = 200) -> None:
        data = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass

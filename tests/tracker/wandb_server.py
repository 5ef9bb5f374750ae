"""A loopback stand-in for W&B's server: takes all that the real client sends, and can fail.

It keeps what arrives as the service's own interface describes it (a history line belongs at its
offset, a summary replaces the last one), so that tests can say what was sent. It does not show
that the service draws any of it.
"""

import base64
import json
import re
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "0123456789" * 4


class Run:
    """One run as the server knows it: fields, config and history are those of the last word."""

    def __init__(self):
        self.fields, self.config, self.lines, self.files = {}, {}, {}, {}
        self.summary, self.exit_code = {}, None

    @property
    def history(self):
        """Return its rows in the order of their lines."""
        return [json.loads(line) for _, line in sorted(self.lines.items())]

    @property
    def state(self):
        """Return what a client is told that wants to resume it."""
        tail = json.dumps([line for _, line in sorted(self.lines.items())][-1:])
        return {
            "historyLineCount": len(self.lines),
            "historyTail": tail,
            **{"eventsLineCount": 0, "eventsTail": "[]", "logLineCount": 0},
            "config": json.dumps(self.config),
            "summaryMetrics": json.dumps(self.summary),
            **{"wandbConfig": json.dumps({"t": 1}), "notes": None, "tags": self.fields.get("tags")},
            "displayName": self.fields.get("displayName"),
        }


class WandbServer(ThreadingHTTPServer):
    """A server on a port of its own.

    Attributes:
        runs: by id.
        artifacts: every committed version: name, type, aliases, run, and files by name.
        views: every saved workspace, as sent.
        requests: how often each operation was asked for.
        trouble: None, or how it fails now: slow, error, gone (connections end at once) or hang.
        refused: names of operations that it answers with an error.
        delay: seconds for each answer while slow.
    """

    daemon_threads = True

    def __init__(self):
        self.runs, self.artifacts, self.views, self.requests = {}, [], [], {}
        self.uploads, self.pending, self.sequences, self.refused = {}, {}, {}, set()
        self.trouble, self.delay, self.limit, self.lock = None, 0.5, None, threading.RLock()
        self.healthy = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def fail_after(self, runs, trouble):
        """Begin to fail once so many runs have ended."""
        self.limit = (runs, trouble)

    def count(self, name):
        with self.lock:
            self.requests[name] = self.requests.get(name, 0) + 1
            ended = sum(run.exit_code is not None for run in self.runs.values())
            if self.limit and ended >= self.limit[0]:
                self.trouble, self.limit = self.limit[1], None

    def recover(self):
        self.trouble = self.limit = None
        self.refused = set()
        self.healthy.set()

    def handle_error(self, request, address):
        """Pass over clients that hang up."""

    # -- what W&B's GraphQL interface is asked for -------------------------------------------

    def answer(self, name, given):
        method = getattr(self, f"on_{name}", None)
        if name in self.refused:
            return {"errors": [{"message": f"{name} is refused"}]}
        if method is None:
            return {"errors": [{"message": f"the stand-in has no {name}"}]}
        with self.lock:
            return {"data": method(given)}

    def on_Viewer(self, given):
        teams = {"edges": [{"node": {"name": "me"}}]}
        names = {"id": "u", "entity": "me", "username": "me", "email": "me@localhost"}
        return {"viewer": {**names, "admin": False, "flags": "{}", "teams": teams}}

    def on_GetDefaultEntity(self, given):
        return {"viewer": {"id": "u", "entity": "me"}}

    def on_ServerFeaturesQuery(self, given):
        return {"serverInfo": {"features": []}}

    def on_RunResumeStatus(self, given):
        run = self.runs.get(given["name"])
        bucket = None if run is None else {"id": _id(given["name"]), "name": given["name"]}
        state = None if bucket is None else {**bucket, **run.state}
        entity = {"id": "e", "name": given["entity"] or "me"}
        return {"model": {"id": "p", "name": given["project"], "entity": entity, "bucket": state}}

    def on_UpsertBucket(self, given):
        name = given["name"] or base64.b64decode(given["id"]).decode()
        inserted = name not in self.runs
        run = self.runs.setdefault(name, Run())
        sent = {key: value for key, value in given.items() if value is not None}
        run.config = json.loads(sent.pop("config", None) or json.dumps(run.config))
        run.fields |= sent
        entity = {"id": "e", "name": given["entity"] or "me"}
        project = {"id": "p", "name": given["project"], "entity": entity}
        bucket = {
            **{"id": _id(name), "name": name, "displayName": run.fields.get("displayName")},
            **{"description": "", "sweepName": None, "config": json.dumps(run.config)},
            **{"project": project, "historyLineCount": len(run.lines)},
        }
        return {"upsertBucket": {"bucket": bucket, "inserted": inserted}}

    def on_Runs(self, given):
        """Return the runs with some ids, as one page."""
        asked = json.loads(given["filters"])["name"]["$in"]
        runs = {k: run for k, run in self.runs.items() if k in asked}
        if not self.runs:
            return {"project": None}
        edges = [{"node": self._node(k, run), "cursor": k} for k, run in runs.items()]
        page = {"edges": edges, "pageInfo": {"endCursor": None, "hasNextPage": False}}
        project = {"internalId": "1", "runCount": len(runs), "readOnly": False, "runs": page}
        return {"project": project}

    def _node(self, name, run):
        states = {None: "running", 0: "finished"}
        fields = "sweepName commit createdAt heartbeatAt description notes".split()
        return {
            **dict.fromkeys(fields),
            **{"tags": run.fields.get("tags") or [], "user": {"name": "me", "username": "me"}},
            **{"id": _id(name), "name": name, "projectId": "1", "readOnly": False},
            **{"displayName": run.fields.get("displayName"), "group": run.fields.get("groupName")},
            **{"jobType": run.fields.get("jobType"), "historyLineCount": len(run.lines)},
            "state": states.get(run.exit_code, "failed"),
        }

    def on_CreateRunFiles(self, given):
        files = [{"name": f, "uploadUrl": self._upload(given["run"], f)} for f in given["files"]]
        answer = {"runID": given["run"], "uploadHeaders": [], "files": files}
        return {"createRunFiles": answer}

    def on_ArtifactType(self, given):
        return {"project": {"artifact": None}}

    def on_CreateArtifact(self, given):
        asked = given["input"]
        identity = f"a{len(self.pending)}"
        self.pending[identity] = asked
        latest = self.sequences.get(asked["artifactCollectionName"])
        if asked["enableDigestDeduplication"] and latest and latest["digest"] == asked["digest"]:
            return {"createArtifact": {"artifact": {**latest["artifact"], "state": "COMMITTED"}}}
        sequence = {"latestArtifact": latest and {"id": latest["artifact"]["id"]}}
        artifact = {"id": identity, "state": "PENDING", "artifactSequence": sequence}
        return {"createArtifact": {"artifact": artifact}}

    def on_CreateArtifactManifest(self, given):
        file = self._file(given["artifactID"], "manifest")
        return {"createArtifactManifest": {"artifactManifest": {"id": "m", "file": file}}}

    def on_CreateArtifactFiles(self, given):
        nodes = [self._file(f["artifactID"], f["name"]) for f in given["input"]["artifactFiles"]]
        return {"createArtifactFiles": {"files": {"edges": [{"node": node} for node in nodes]}}}

    def on_CommitArtifact(self, given):
        identity = given["artifactID"]
        asked = self.pending[identity]
        name, prefix = asked["artifactCollectionName"], f"{identity}/"
        files = {k[len(prefix) :]: v for k, v in self.uploads.items() if k.startswith(prefix)}
        manifest = json.loads(files.pop("manifest"))
        known = {"name": name, "type": asked["artifactTypeName"], "run": asked["runName"]}
        self.artifacts.append({**known, "files": files, "contents": manifest["contents"]})
        artifact = {"id": identity, "artifactSequence": {"latestArtifact": {"id": identity}}}
        self.sequences[name] = {"digest": asked["digest"], "artifact": artifact}
        return {"commitArtifact": {"artifact": {"id": identity, "digest": asked["digest"]}}}

    def on_ArtifactByID(self, given):
        asked = self.pending[given["id"]]
        project = {"id": "p", "internalId": "1", "name": "rnnbench", "entity": {"name": "me"}}
        artifact = {
            **dict.fromkeys("description metadata historyStep commitHash updatedAt".split()),
            **{"id": given["id"], "state": "COMMITTED", "digest": asked["digest"]},
            **{"artifactSequence": {"name": asked["artifactCollectionName"], "project": project}},
            **{"artifactType": {"name": asked["artifactTypeName"]}, "versionIndex": 0},
            **{"ttlDurationSeconds": -1, "ttlIsInherited": True, "tags": [], "aliases": []},
            **{"size": 1, "fileCount": 3, "createdAt": "2026-01-01T00:00:00"},
        }
        return {"artifact": artifact}

    def on_View(self, given):
        views = [view for view in self.views if view["name"] == given["viewName"]][-1:]
        nodes = [{"id": "v", "displayName": v["displayName"], "spec": "{}"} for v in views]
        return {"project": {"allViews": {"edges": [{"node": node} for node in nodes]}}}

    def on_UpsertView2(self, given):
        self.views.append({**given, "spec": json.loads(given["spec"])})
        view = {"id": "v", "name": given["name"]}
        return {"upsertView": {"view": view, "inserted": True}}

    def _file(self, identity, name):
        place = {"uploadUrl": self._upload(identity, name), "uploadHeaders": []}
        more = {"storagePath": None, "uploadMultipartUrls": None, "artifact": {"id": identity}}
        return {"id": "f", "name": name, "displayName": name, **place, **more}

    def _upload(self, owner, name):
        return f"{self.url}/upload/{owner}/{name}"

    # -- what is streamed and uploaded -------------------------------------------------------

    def take_stream(self, name, content):
        run = self.runs[name]
        with self.lock:
            for file, part in (content.get("files") or {}).items():
                if file == "wandb-history.jsonl":
                    run.lines |= dict(enumerate(part["content"], part["offset"]))
                elif file == "wandb-summary.json":
                    run.summary = json.loads(part["content"][-1])
            if content.get("complete"):
                run.exit_code = content["exitcode"]

    def take_upload(self, path, body):
        with self.lock:
            owner, _, name = path.partition("/")
            self.uploads[path] = body
            if owner in self.runs:
                self.runs[owner].files[name] = body


class Handler(BaseHTTPRequestHandler):
    """Routes; every answer passes by the server's trouble."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        """Say nothing."""

    def do_GET(self):
        self.reply({}, 404)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.is_well("upload"):
            self.server.take_upload(self.path.removeprefix("/upload/"), body)
            self.reply({})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        stream = re.fullmatch(r"/files/[^/]+/[^/]+/([^/]+)/file_stream", self.path)
        if self.path == "/graphql":
            asked = json.loads(body)
            name = re.search(r"(?:query|mutation)\s+(\w+)", asked["query"])[1]
            if self.is_well(name) and self.is_known():
                self.reply(self.server.answer(name, asked.get("variables") or {}))
        elif stream:
            if self.is_well("file_stream"):
                self.server.take_stream(stream[1], json.loads(body))
                self.reply({})
        else:
            self.reply({}, 404)

    def is_known(self):
        """Refuse a wrong key as the service does."""
        sent = self.headers.get("Authorization", "").removeprefix("Basic ")
        if base64.b64decode(sent).decode().partition(":")[2] == KEY:
            return True
        self.reply({"errors": [{"message": "user is not logged in"}]}, 401)
        return False

    def is_well(self, operation):
        self.server.count(operation)
        trouble = self.server.trouble
        if trouble == "slow":
            time.sleep(self.server.delay)
        elif trouble == "error":
            self.reply({"errors": [{"message": "internal error"}]}, 500)
        elif trouble == "hang":
            self.server.healthy.wait()
        elif trouble == "gone":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        return trouble in (None, "slow")

    def reply(self, content, code=200):
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _id(name):
    return base64.b64encode(name.encode()).decode()


@contextmanager
def wandb_server():
    """Serve until the block ends."""
    server = WandbServer()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.recover()
        server.shutdown()
        server.server_close()

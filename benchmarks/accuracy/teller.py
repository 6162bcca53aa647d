"""Tells one entry's way through a flow, stage by stage, as the spans its systems would send."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.accuracy.shapes import Shape, Stage
from benchmarks.accuracy.symptoms import Symptom
from benchmarks.accuracy.told import Said, Value

LANGUAGES = ("java", "go", "node", "dotnet", "python")


@dataclass
class Habits:
    """How this company's telemetry looks; drawn once a lead."""

    wire: str
    baggage: str
    names_entry: bool
    names_flow: bool
    says_step: bool
    noise: float

    @staticmethod
    def drawn(shape: Shape, chance: random.Random, *, sparse: bool) -> "Habits":
        return Habits(
            wire=chance.choice(shape.wire),
            baggage=chance.choice(["all", "all", "servers"]) if sparse else "all",
            names_entry=not (sparse and chance.random() < 0.25),
            names_flow=shape.names_flow and not (sparse and chance.random() < 0.25),
            says_step=chance.random() < 0.1,
            noise=chance.choice([0.0, 0.3, 0.8]),
        )


@dataclass
class Told:
    """What telling a stage left: the ids that prove it."""

    proof: frozenset[str]
    at: float


@dataclass
class Teller:
    """Keeps the clock and the trace; `done` and `fails` tell a stage. `said` is what was told so far."""

    shape: Shape
    lead: str
    entry: str
    habits: Habits
    chance: random.Random
    now: float = 0.0
    said: list[Said] = field(default_factory=list)
    ends: dict[str, float] = field(default_factory=dict)
    proofs: dict[str, frozenset[str]] = field(default_factory=dict)
    trace: str = ""
    root: Said | None = None
    cursor: Said | None = None
    heads: dict[str, Said] = field(default_factory=dict)
    oks: dict[str, frozenset[str]] = field(default_factory=dict)
    """The last call of a stage that went well: without it, a green span around failed tries looks swallowed."""

    # ── words ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _id(self, width: int = 16) -> str:
        return f"{self.chance.getrandbits(width * 4):0{width}x}"

    def words(self) -> dict[str, Value]:
        said: dict[str, Value] = {"lead.id": self.lead}
        if self.habits.names_entry:
            said["lead.correlation_id"] = self.entry
        if self.habits.names_flow:
            said["lead.flow"] = self.shape.name
        return said

    def span(
        self, service: str, name: str, kind: str, parent: Said | None, took: float, *, at: float | None = None,
        trace: str = "", attributes: dict[str, Value] | None = None, own: bool = True,
    ) -> Said:  # fmt: skip
        """A span; `own` false leaves out the lead's words (an orphan, adopted by its trace)."""
        wordy = own and (self.habits.baggage == "all" or kind in {"server", "consumer"} or parent is None)
        made = Said(
            trace=trace or (parent.trace if parent else self.trace), id=self._id(), parent=parent.id if parent else "",
            at=self.now if at is None else at, took=took, service=service, name=name, kind=kind,
            attributes=(self.words() if wordy else {}) | (attributes or {}),
        )  # fmt: skip
        self.said.append(made)
        return made

    def event(self, service: str, name: str, attributes: dict[str, Value] | None = None) -> Said:
        made = Said(
            trace="", id=self._id(), parent="", at=self.now, took=0.0, service=service, name=name, signal="event",
            attributes=self.words() | (attributes or {}),
        )  # fmt: skip
        self.said.append(made)
        return made

    def status(self, code: int) -> dict[str, Value]:
        if self.habits.wire == "grpc":
            return {"rpc.system": "grpc", "rpc.grpc.status_code": 0 if code < 400 else 2}
        old = self.habits.wire == "old"
        return {("http.status_code" if old else "http.response.status_code"): code,
                ("http.method" if old else "http.request.method"): "POST"}  # fmt: skip

    def wait(self, low: float, high: float) -> None:
        self.now += self.chance.uniform(low, high)

    # ── stages ──────────────────────────────────────────────────────────────────────────────────────────────────

    def done(self, name: str, *, before: Sequence[Symptom] = (), value: Value | None = None, habit: str = "") -> Told:
        """The stage worked, after the failures in `before`. `habit` adds what healthy stacks do on the way."""
        stage = self.shape.by_name[name]
        return self._stage(stage, list(before), None, value, habit)

    def fails(self, name: str, symptoms: Sequence[Symptom], *, swallowed: bool = False, habit: str = "") -> Told:
        """The stage failed with each of the symptoms in turn. Swallowed: its own span says 2xx all the same."""
        stage = self.shape.by_name[name]
        return self._stage(stage, list(symptoms[:-1]), symptoms[-1], None, "swallow" if swallowed else habit)

    def _stage(
        self, stage: Stage, before: list[Symptom], last: Symptom | None, value: Value | None, habit: str
    ) -> Told:
        way = {
            "http": self._http,
            "queue": self._queue,
            "activity": self._activity,
            "batch": self._batch,
            "event": self._event,
        }
        self._pause(stage)
        if value is None and stage.passes and last is None:
            value = self.chance.choice(stage.passes)
        proof = way[stage.how](stage, before, last, value, habit)
        self.ends[stage.name] = self.now
        self.proofs[stage.name] = proof
        return Told(proof, self.now)

    def _pause(self, stage: Stage) -> None:
        ready = max((self.ends[one] for one in stage.after if one in self.ends), default=self.now)
        self.now = max(self.now, ready) if self.shape.tracing in {"orchestrated", "chain"} else ready + 0.01
        low, high = {"batch": (600.0, 7200.0), "queue": (0.2, 40.0), "event": (1.0, 120.0)}.get(stage.how, (0.01, 1.0))
        if stage.how == "event" and self.shape.form.startswith("batch"):
            low, high = 60.0, 7200.0
        if stage.after:
            self.wait(low, high)

    def _marks(self, stage: Stage, last: Symptom | None, value: Value | None) -> dict[str, Value]:
        said: dict[str, Value] = {}
        if self.habits.says_step:
            said["lead.step"] = stage.name
        if last is None and stage.event and stage.how != "event":
            said["lead.event"] = stage.event
        if value is not None and stage.gate_attribute and last is None:
            said[stage.gate_attribute] = value
        return said

    def _fresh_trace(self, stage: Stage) -> bool:
        return (
            not self.trace or self.shape.tracing == "apart" or (self.shape.tracing == "linked" and stage.how == "queue")
        )

    def _begin(self, stage: Stage) -> Said | None:
        """The parent of what the stage does, in the trace it does it in."""
        tracing = self.shape.tracing
        if self._fresh_trace(stage):
            self.trace = self._id(32)
            self.cursor = None
        if tracing == "orchestrated" and self.root is None and stage.kind != "capture" and self.shape.conductor:
            self.root = self.span(self.shape.conductor, f"workflow {self.shape.name}", "internal", self.cursor, 60.0)
        return self.root if tracing == "orchestrated" and self.root else self.cursor

    def _http(
        self, stage: Stage, before: list[Symptom], last: Symptom | None, value: Value | None, habit: str
    ) -> frozenset[str]:
        parent = self._begin(stage)
        caller: Said | None = None
        if parent is not None:
            caller = self.span(
                parent.service,
                "POST",
                "client",
                parent,
                0.0,
                attributes=self.status(200) | {"server.address": f"{stage.service}.svc"},
            )
        server = self.span(
            stage.service, stage.op, "server", caller or parent, 0.0, attributes=self.status(200) | {"url.path": "/api"}
        )
        began = self.now
        proof = self._work(stage, server, before, last, habit)
        own = last is not None and (last.place == "own" or not stage.calls)
        server.attributes |= self._marks(stage, last, value)
        server.took = self.now - began + 0.01
        if own and last is not None:
            server.attributes |= self.status(200)
            last.paint(server, self.habits.wire, self.now)
            if last.error and not last.http and not last.grpc and "lead.reason" not in last.attributes:
                server.attributes |= self.status(500)
            proof |= {server.id}
            if last.http and 400 <= last.http < 500 and stage.kind == "capture":
                server.status, server.message = self.chance.choice([("unset", ""), ("error", "")])
                server.attributes.pop("error.type", None)
        elif last is not None and habit != "swallow" and last.error:
            server.attributes |= self.status(502)
            server.status = "error"
        if caller is not None:
            caller.took = server.took + 0.01
            caller.at, server.at = began, began + 0.004
            if server.status == "error" and (
                code := server.attributes.get("http.response.status_code") or server.attributes.get("http.status_code")
            ):
                caller.attributes |= self.status(int(code))
                if int(code) >= 400:
                    caller.status = "error"
            elif server.status == "error" and self.habits.wire == "grpc":
                caller.attributes["rpc.grpc.status_code"] = server.attributes.get("rpc.grpc.status_code") or 13
                caller.status = "error"
        if last is None:
            proof = frozenset({server.id})
        if self.shape.tracing == "chain" or self.cursor is None or stage.kind == "capture":
            self.cursor = server
        self.heads[stage.name] = server
        return proof

    def _queue(
        self, stage: Stage, before: list[Symptom], last: Symptom | None, value: Value | None, habit: str
    ) -> frozenset[str]:
        sender = self.heads.get(stage.after[0]) if stage.after else None
        producer: Said | None = None
        if sender is not None:
            messaging: dict[str, Value] = {
                "messaging.system": "kafka",
                "messaging.operation.type": "send",
                "messaging.destination.name": stage.op,
            }
            producer = self.span(
                sender.service,
                f"send {stage.op}",
                "producer",
                sender,
                0.003,
                at=sender.at + max(sender.took - 0.004, 0.0),
                attributes=messaging,
            )
        tries: list[Symptom | None] = [*before, last] if self.chance.random() < 0.5 else [last]
        inside = before if len(tries) == 1 else []
        proof: frozenset[str] = frozenset()
        for count, one in enumerate(tries, 1):
            proof = self._consume(stage, producer, inside, one, value, habit, count if len(tries) > 1 else 0)
            if count < len(tries):
                self.wait(2.0, 20.0)
        return proof

    def _consume(
        self,
        stage: Stage,
        producer: Said | None,
        before: list[Symptom],
        last: Symptom | None,
        value: Value | None,
        habit: str,
        attempt: int,
    ) -> frozenset[str]:
        said: dict[str, Value] = {
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.destination.name": stage.op,
        }
        if attempt and self.chance.random() < 0.5:
            said["lead.attempt"] = attempt
        linked = self.shape.tracing == "linked"
        consumer = self.span(
            stage.service,
            f"process {stage.op}",
            "consumer",
            None if linked else producer,
            0.0,
            trace=self._id(32) if linked else "",
            attributes=said,
        )
        if linked and producer is not None:
            consumer.links.append((producer.trace, producer.id))
        began = self.now
        proof = self._work(stage, consumer, before, last, habit)
        consumer.took = self.now - began + 0.01
        consumer.attributes |= self._marks(stage, last, value)
        if last is not None and (last.place == "own" or not stage.calls):
            last.paint(consumer, self.habits.wire, self.now)
            proof |= {consumer.id}
        elif last is not None and last.error and habit != "swallow":
            consumer.status = "error"
            if last.exception or last.http:
                consumer.events.append(
                    (
                        self.now,
                        "exception",
                        {"exception.type": "VendorCallFailed", "exception.message": "vendor call failed"},
                    )
                )
        if last is None:
            proof = frozenset({consumer.id})
            self.heads[stage.name] = consumer
        self.cursor = consumer
        self.trace = consumer.trace
        return proof

    def _activity(
        self, stage: Stage, before: list[Symptom], last: Symptom | None, value: Value | None, habit: str
    ) -> frozenset[str]:
        if not self.trace:
            self.trace = self._id(32)
        top = stage.kind == "capture"
        activity = self.span(
            stage.service, stage.op, "internal", self.cursor, 0.0, attributes={"temporalWorkflowID": f"wf-{self.lead}"}
        )
        began = self.now
        proof = self._work(stage, activity, before, last, habit)
        activity.took = self.now - began + (90.0 if top else 0.01)
        activity.attributes |= self._marks(stage, last, value)
        if last is not None and (last.place == "own" or not stage.calls):
            last.paint(activity, self.habits.wire, self.now)
            proof |= {activity.id}
        elif last is not None and last.error and habit != "swallow":
            activity.status, activity.message = "error", "activity error"
        if last is None:
            proof = frozenset({activity.id})
        if top:
            self.cursor = activity
        self.heads[stage.name] = activity
        return proof

    def _batch(
        self, stage: Stage, before: list[Symptom], last: Symptom | None, value: Value | None, habit: str
    ) -> frozenset[str]:
        job_trace = self._id(32)
        row = self.span(stage.service, stage.op, "internal", None, 0.0, trace=job_trace)
        row.parent = self._id()  # the job's own span speaks of thousands of leads and of none
        began = self.now
        proof = self._work(stage, row, before, last, habit)
        row.took = self.now - began + 0.02
        row.attributes |= self._marks(stage, last, value)
        if last is not None and (last.place == "own" or not stage.calls):
            last.paint(row, self.habits.wire, self.now)
            proof |= {row.id}
        elif last is not None and last.error and habit != "swallow":
            row.status = "error"
        self.heads[stage.name] = row
        return frozenset({row.id}) if last is None else proof

    def _event(
        self, stage: Stage, before: list[Symptom], last: Symptom | None, value: Value | None, habit: str
    ) -> frozenset[str]:
        proof: frozenset[str] = frozenset()
        for one in [*before, last] if last is not None else [*before, None]:
            made = self.event(stage.service, stage.event if one is None else (stage.fail_event or stage.event))
            made.attributes |= self._marks(stage, one, value)
            if one is None and stage.gate_attribute:
                made.attributes[stage.gate_attribute] = value if value is not None else ""
            if one is not None:
                made.attributes |= one.attributes
            proof = frozenset({made.id})
            if one is not last:
                self.wait(5.0, 30.0)
        return proof

    # ── what happens inside a step ──────────────────────────────────────────────────────────────────────────────

    def _work(
        self, stage: Stage, main: Said, before: list[Symptom], last: Symptom | None, habit: str
    ) -> frozenset[str]:
        self._background(stage, main)
        proof: frozenset[str] = frozenset()
        if stage.vendor and habit in {"lookup 404", "token", "upsert 409"}:
            self._prelude(stage, main, habit)
        for one in before:
            self._call(stage, main, one)
            self.wait(0.5, 6.0)
        vendor_fails = last is not None and last.place == "call" and stage.calls
        if vendor_fails and last is not None:
            proof = frozenset({self._call(stage, main, last).id})
        elif last is None or last.place == "body":
            if stage.vendor:
                self._call(stage, main, None)
            else:
                self.wait(*stage.takes_s)
        else:
            self.wait(*stage.takes_s)
        self._epilogue(stage, main, habit)
        return proof

    def _call(
        self, stage: Stage, main: Said, symptom: Symptom | None, name: str = "POST", path: str = "/v1/objects"
    ) -> Said:
        took = self.chance.uniform(0.05, 1.5)
        rpc = self.habits.wire == "grpc"
        call = self.span(
            main.service, "vendor.v1.Objects/Write" if rpc else name, "client", main, took,
            attributes={"server.address": stage.calls, "url.full": f"https://{stage.calls}{path}"},
        )  # fmt: skip
        if symptom is None:
            call.attributes |= self.status(201)
            self.oks[stage.name] = frozenset({call.id})
        else:
            symptom.paint(call, self.habits.wire, self.now)
        self.now += took
        return call

    def _prelude(self, stage: Stage, main: Said, habit: str) -> None:
        """Client spans that fail by design: semantic conventions mark every 4xx an error there."""
        code, method, path = {
            "lookup 404": (404, "GET", "/v1/contacts/by-email"),
            "token": (401, "POST", "/v1/objects"),
            "upsert 409": (409, "POST", "/v1/objects"),
        }[habit]
        if self.habits.wire == "grpc":
            wrong = Symptom("", "", "", grpc={404: 5, 401: 16, 409: 6}[code])
        else:
            wrong = Symptom("", "", "", http=code)
        call = self._call(stage, main, wrong, method, path)
        call.attributes["http.method" if self.habits.wire == "old" else "http.request.method"] = method
        self.wait(0.01, 0.1)
        if habit == "token":
            self._call(stage, main, None, "POST", "/oauth/token")
        if habit == "upsert 409":
            self._call(stage, main, None, "PATCH", "/v1/objects/17")

    def _epilogue(self, stage: Stage, main: Said, habit: str) -> None:
        if habit == "audit":
            self.span(
                main.service, "POST", "client", main, 0.2,
                attributes={"server.address": "audit-log.internal", "url.full": "https://audit-log.internal/e"}
                | self.status(self.chance.choice([500, 503, 404])),
            ).status = "error"  # fmt: skip
        if habit == "metrics":
            made = self.span(
                main.service, "HTTP POST", "client", main, 0.3, attributes={"server.address": "stats.internal"}
            )
            made.status, made.message = "error", "connect ECONNREFUSED 10.0.0.9:8125"
            made.attributes["error.type"] = "ECONNREFUSED"
        if habit == "caught":
            main.events.append(
                (
                    self.now,
                    "exception",
                    {
                        "exception.type": "java.lang.NumberFormatException",
                        "exception.message": 'For input string: "50-100"',
                    },
                )
            )
        if habit == "cache":
            made = self.span(
                main.service,
                "GET",
                "client",
                main,
                0.01,
                attributes={"db.system": "redis", "db.system.name": "redis"},
                own=self.chance.random() < 0.5,
            )
            made.status, made.message = "error", "LOADING Redis is loading the dataset in memory"

    def _background(self, stage: Stage, main: Said) -> None:
        """Unrelated healthy traffic below the step's span."""
        if self.chance.random() >= self.habits.noise:
            return
        own = self.habits.baggage == "all"
        self.span(
            main.service, "SELECT contacts", "client", main, 0.004, attributes={"db.system": "postgresql"}, own=own
        )
        if self.chance.random() < 0.4:
            self.span(
                main.service,
                "GET /healthz",
                "client",
                main,
                0.002,
                attributes={"server.address": "sidecar"} | self.status(200),
                own=own,
            )
        if self.chance.random() < 0.3:
            self.span(
                "flagd",
                "flagd.evaluation.v1.Service/ResolveBoolean",
                "server",
                main,
                0.001,
                attributes={"rpc.system": "grpc", "rpc.grpc.status_code": 0},
                own=own,
            )
        if self.chance.random() < 0.2:
            self.span(main.service, "INSERT audit", "client", main, 0.003, attributes={"db.system": "mysql"}, own=own)

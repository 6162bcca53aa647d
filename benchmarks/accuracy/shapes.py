"""The flows: how a dozen companies wire their stacks, none of them the demo's."""

from collections.abc import Mapping
from dataclasses import dataclass

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@dataclass(frozen=True)
class Stage:
    """A step of a flow and how the system that does it speaks.

    `how`: http (caller's client span, server span, vendor calls below), queue (producer, consumer, vendor calls), activity
    (an orchestrator's internal span), batch (a span a lead in a job's trace), event (log record).
    """

    name: str
    kind: str
    service: str
    how: str
    op: str
    match: str
    after: tuple[str, ...] = ()
    within_s: float = 0.0
    required: bool = True
    gate: str = ""
    gate_attribute: str = ""
    passes: tuple[str | int | float, ...] = ()
    fails: tuple[str | int | float, ...] = ()
    event: str = ""
    fail_event: str = ""
    vendor: str = ""
    takes_s: tuple[float, float] = (0.05, 2.0)

    @property
    def calls(self) -> str:
        """Whom the step calls when it calls: its vendor, else a system inside; nobody at capture."""
        return self.vendor or ("" if self.kind == "capture" else f"{self.service}-core.internal")


@dataclass(frozen=True)
class Shape:
    """A flow, its stages, and how its traces hang together: chain, orchestrated, linked, carried, apart, none."""

    name: str
    form: str
    stages: tuple[Stage, ...]
    goal: str
    deadline_s: float
    tracing: str
    wire: tuple[str, ...] = ("stable", "old")
    conductor: str = ""
    names_flow: bool = True

    @property
    def by_name(self) -> Mapping[str, Stage]:
        return {stage.name: stage for stage in self.stages}

    def order(self, name: str) -> int:
        return [stage.name for stage in self.stages].index(name)

    def first(self, kind: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.kind == kind), None)

    @property
    def yaml(self) -> str:
        lines = ["apiVersion: leadtrace/v1", "kind: Flow", f"metadata: {{name: {self.name}, owner: revenue}}", "spec:"]
        lines += [f"  goal: {self.goal}", f"  deadline: {_duration(self.deadline_s)}", "  steps:"]
        for stage in self.stages:
            lines += [f"    - name: {stage.name}", f"      kind: {stage.kind}", f"      match: {stage.match}"]
            lines += [f"      after: [{', '.join(stage.after)}]"] * bool(stage.after)
            lines += [f"      within: {_duration(stage.within_s)}"] * bool(stage.within_s)
            lines += ["      required: false"] * (not stage.required)
            lines += [f"      gate: {stage.gate}"] * bool(stage.gate)
        return "\n".join(lines) + "\n"


def _duration(seconds: float) -> str:
    return (
        f"{int(seconds)}s"
        if seconds % 60
        else f"{int(seconds // 60)}m"
        if seconds % 3600
        else f"{int(seconds // 3600)}h"
    )


def _svc(service: str) -> str:
    return f"[{{service: {service}}}]"


def _op(service: str, name: str) -> str:
    return f'[{{service: {service}, name: "{name}"}}]'


WEBINAR = Shape(
    "webinar-nurture",
    "line, nested calls",
    (
        Stage("register", "capture", "evt-signup-api", "http", "POST /v2/registrations", _op("evt-signup-api", "POST /v2/reg*")),
        Stage("permission", "consent", "preference-hub", "http", "POST /permissions/check", _svc("preference-hub"), ("register",), MINUTE),
        Stage("contact", "crm", "sfdc-bridge", "http", "PUT /contacts/{ext}", _svc("sfdc-bridge"), ("permission",), 2 * MINUTE, vendor="na139.my.salesforce.example"),
        Stage("cadence", "sequence", "cadence-gw", "http", "POST /cadences/{id}/members", _svc("cadence-gw"), ("contact",), 5 * MINUTE, vendor="api.cadence.example"),
    ),
    "cadence", 15 * MINUTE, "chain",
)  # fmt: skip

TRIAL = Shape(
    "trial-activation",
    "fork and join, linked messages",
    (
        Stage("start-trial", "capture", "trial-portal", "http", "POST /trial", _svc("trial-portal")),
        Stage("consents", "consent", "consent-ledger", "queue", "trial.started", _svc("consent-ledger"), ("start-trial",), 10 * MINUTE),
        Stage("firmo", "enrich", "firmographix-worker", "queue", "trial.started", _svc("firmographix-worker"), ("start-trial",), 10 * MINUTE, required=False, vendor="company.firmographix.example"),
        Stage("grade", "score", "grader", "queue", "trial.enriched", "[{event: LeadGraded}, {service: grader}]", ("firmo",), 10 * MINUTE, gate="{attribute: lead.score, at_least: 50}", gate_attribute="lead.score", passes=(50, 61, 75, 88.5, 99), fails=(0, 12, 49, 31.5), event="LeadGraded"),
        Stage("account", "crm", "hubsync-worker", "queue", "trial.graded", _svc("hubsync-worker"), ("grade", "consents"), 20 * MINUTE, vendor="api.hubapi.example"),
        Stage("onboarding", "sequence", "drip-engine", "queue", "account.synced", _svc("drip-engine"), ("account",), 20 * MINUTE, vendor="api.dripmail.example"),
    ),
    "onboarding", 2 * HOUR, "linked",
)  # fmt: skip

REFERRAL = Shape(
    "partner-referral",
    "orchestrated, optional steps",
    (
        Stage("referral", "capture", "partner-api", "http", "POST /referrals", _op("partner-api", "POST /referrals")),
        Stage("resolve", "identity", "person-graph", "http", "POST /resolve", _op("person-graph", "POST /resolve"), ("referral",), MINUTE, required=False),
        Stage("firmographics", "enrich", "zoomline-proxy", "http", "POST /company", _op("zoomline-proxy", "POST /company"), ("referral",), 2 * MINUTE, required=False, vendor="api.zoomline.example"),
        Stage("assign", "route", "territory", "http", "POST /assignments", _op("territory", "POST /assign*"), ("resolve", "firmographics"), 2 * MINUTE),
        Stage("opportunity", "crm", "dynamics-adapter", "http", "POST /opportunities", _op("dynamics-adapter", "POST /opportunities"), ("assign",), 3 * MINUTE, vendor="acme.crm4.dynamics.example"),
        Stage("playbook", "sequence", "playbook-runner", "http", "POST /plays", _op("playbook-runner", "POST /plays"), ("opportunity",), 5 * MINUTE, vendor="api.salesplay.example"),
    ),
    "playbook", 20 * MINUTE, "orchestrated", conductor="referral-flow",
)  # fmt: skip

DOWNLOAD = Shape(
    "whitepaper-download",
    "events only",
    (
        Stage("asked", "capture", "cms", "event", "", "[{event: asset_requested}]", event="asset_requested"),
        Stage("optin", "consent", "optin-svc", "event", "", "[{event: optin_checked}, {event: optin_refused}]", ("asked",), 30 * MINUTE, event="optin_checked", fail_event="optin_refused"),
        Stage("match", "identity", "cdp", "event", "", "[{service: cdp}]", ("asked",), 30 * MINUTE, event="profile_resolved", fail_event="profile_error", required=False),
        Stage("points", "score", "scorebox", "event", "", "[{event: points_changed}]", ("match",), HOUR, gate="{attribute: points.total, at_least: 100}", gate_attribute="points.total", passes=(100, 140, 250), fails=(5, 99, -10), event="points_changed"),
        Stage("sync", "crm", "crm-connector", "event", "", "[{service: crm-connector}]", ("points", "optin"), HOUR, event="contact_upserted", fail_event="contact_upsert_failed"),
        Stage("nurture", "sequence", "nurture", "event", "", "[{event: program_joined}, {event: program_refused}]", ("sync",), 2 * HOUR, event="program_joined", fail_event="program_refused"),
    ),
    "nurture", 6 * HOUR, "none",
)  # fmt: skip

_PRICING = Stage(
    "visit",
    "capture",
    "pricing-site",
    "http",
    "POST /api/pricing-request",
    _op("pricing-site", "POST /api/pricing-request"),
)
CALL = Shape(
    "pricing-call",
    "two goals, traces apart",
    (
        _PRICING,
        Stage("deal", "crm", "pipeline-sync", "http", "POST /deals", _svc("pipeline-sync"), ("visit",), 10 * MINUTE, vendor="acme.pipedrive.example"),
        Stage("booking", "sequence", "meeting-bot", "http", "POST /invites", _svc("meeting-bot"), ("deal",), 20 * MINUTE, vendor="api.bookly.example"),
    ),
    "booking", HOUR, "apart", names_flow=False,
)  # fmt: skip
DIGEST = Shape(
    "pricing-digest",
    "two goals, traces apart",
    (
        _PRICING,
        Stage("newsletter-ok", "consent", "subprefs", "http", "POST /check", _svc("subprefs"), ("visit",), 10 * MINUTE),
        Stage("digest", "sequence", "digest-mailer", "http", "POST /lists/{list}/members", _svc("digest-mailer"), ("newsletter-ok",), 30 * MINUTE, vendor="us6.api.mailhouse.example"),
    ),
    "digest", 2 * HOUR, "apart", names_flow=False,
)  # fmt: skip

BADGES = Shape(
    "badge-scan",
    "batch and polling",
    (
        Stage("import", "capture", "badge-importer", "batch", "import row", _op("badge-importer", "import row")),
        Stage("dedupe", "identity", "mdm-batch", "batch", "resolve golden record", _svc("mdm-batch"), ("import",), 6 * HOUR),
        Stage("load", "crm", "crm-nightly", "batch", "upsert contact", _svc("crm-nightly"), ("dedupe",), 12 * HOUR, vendor="acme.sugarcrm.example"),
        Stage("journey", "sequence", "journey-builder", "event", "", "[{service: journey-builder}]", ("load",), 12 * HOUR, event="JourneyEntered", fail_event="JourneyEntryRefused"),
    ),
    "journey", 2 * DAY, "apart",
)  # fmt: skip

CHAT = Shape(
    "chat-handoff",
    "one trace, one service's activities",
    (
        Stage("chat", "capture", "convo-orchestrator", "activity", "RunWorkflow:ChatHandoff", _op("convo-orchestrator", "RunWorkflow:ChatHandoff")),
        Stage("may-contact", "consent", "convo-orchestrator", "activity", "RunActivity:MayContact", _op("convo-orchestrator", "RunActivity:MayContact"), ("chat",), 2 * MINUTE, vendor="prefs.trustly.example"),
        Stage("profile", "enrich", "convo-orchestrator", "activity", "RunActivity:Profile", _op("convo-orchestrator", "RunActivity:Profile"), ("chat",), 2 * MINUTE, vendor="person.peoplelayer.example"),
        Stage("ticket", "crm", "convo-orchestrator", "activity", "RunActivity:UpsertContact", _op("convo-orchestrator", "RunActivity:Upsert*"), ("may-contact", "profile"), 4 * MINUTE, vendor="api.zendesk-sell.example"),
        Stage("followup", "sequence", "convo-orchestrator", "activity", "RunActivity:StartFollowUp", _op("convo-orchestrator", "RunActivity:StartFollowUp"), ("ticket",), 5 * MINUTE, vendor="api.followup.example"),
    ),
    "followup", 15 * MINUTE, "orchestrated", conductor="convo-orchestrator",
)  # fmt: skip

INBOUND = Shape(
    "enterprise-inbound",
    "long, carried messages, gates",
    (
        Stage("form", "capture", "edge-forms", "http", "POST /f/{id}", _svc("edge-forms")),
        Stage("who", "identity", "idresolve", "queue", "form.received", _svc("idresolve"), ("form",), 15 * MINUTE),
        Stage("lawful", "consent", "lawful-basis", "queue", "person.known", _svc("lawful-basis"), ("who",), 15 * MINUTE),
        Stage("company", "enrich", "acct-intel", "queue", "person.known", _svc("acct-intel"), ("who",), 15 * MINUTE, required=False, vendor="api.acctintel.example"),
        Stage("intent", "enrich", "intent-feed", "queue", "company.known", _svc("intent-feed"), ("company",), 15 * MINUTE, required=False, vendor="feed.intenta.example"),
        Stage("fit", "score", "fitmodel", "queue", "intent.known", _svc("fitmodel"), ("intent",), 15 * MINUTE, gate="{attribute: fit.score, at_least: 0.6}", gate_attribute="fit.score", passes=(0.6, 0.71, 0.93), fails=(0.1, 0.42, 0.59)),
        Stage("tier", "segment", "tiering", "queue", "fit.scored", _svc("tiering"), ("fit", "lawful"), 15 * MINUTE, gate="{attribute: lead.segment, one_of: [enterprise, upper-mid]}", gate_attribute="lead.segment", passes=("enterprise", "upper-mid"), fails=("smb", "student")),
        Stage("owner", "route", "assigner", "queue", "tier.set", _svc("assigner"), ("tier",), 15 * MINUTE),
        Stage("sfdc", "crm", "sfdc-outbox", "queue", "owner.set", _svc("sfdc-outbox"), ("owner",), 30 * MINUTE, vendor="acme.my.salesforce.example"),
        Stage("outreach", "sequence", "engage-sync", "queue", "crm.written", _svc("engage-sync"), ("sfdc",), 30 * MINUTE, vendor="api.engage.example"),
        Stage("first-mail", "delivery", "mail-relay", "queue", "sequence.started", _svc("mail-relay"), ("outreach",), HOUR, vendor="smtp-api.relay.example"),
    ),
    "first-mail", 4 * HOUR, "carried",
)  # fmt: skip

GIVEAWAY = Shape(
    "giveaway",
    "short, gate at the goal",
    (
        Stage("play", "capture", "promo-lambda", "http", "POST /play", _svc("promo-lambda")),
        Stage("joined", "sequence", "list-sync-fn", "http", "POST /join", _svc("list-sync-fn"), ("play",), 15 * MINUTE, vendor="api.listmonk.example"),
    ),
    "joined", 20 * MINUTE, "apart",
)  # fmt: skip

APP = Shape(
    "app-signup",
    "line, gRPC, gates",
    (
        Stage("signup", "capture", "signup-bff", "http", "POST /signup", _svc("signup-bff")),
        Stage("screen", "segment", "riskd", "http", "risk.v1.Risk/Screen", _svc("riskd"), ("signup",), 2 * MINUTE, gate="{attribute: risk.score, at_most: 70}", gate_attribute="risk.score", passes=(0, 12, 70), fails=(71, 88, 100)),
        Stage("account", "crm", "crmd", "http", "crm.v1.Contacts/Upsert", _svc("crmd"), ("screen",), 5 * MINUTE, vendor="contacts.internal.example"),
        Stage("welcome", "sequence", "lifecycled", "http", "lifecycle.v1.Programs/Enroll", _svc("lifecycled"), ("account",), 5 * MINUTE, vendor="programs.internal.example"),
    ),
    "welcome", 15 * MINUTE, "orchestrated", wire=("grpc",), conductor="signup-bff",
)  # fmt: skip

SPARSE = Shape(
    "demo-booking",
    "matched by success events alone",
    (
        Stage("booked", "capture", "book-a-demo", "http", "POST /book", "[{event: DemoBooked}]", event="DemoBooked"),
        Stage("scored", "score", "ml-ranker", "http", "POST /rank", "[{event: LeadRanked}]", ("booked",), 5 * MINUTE, event="LeadRanked", gate="{attribute: lead.score, at_least: 40}", gate_attribute="lead.score", passes=(40, 55, 91), fails=(3, 39)),
        Stage("written", "crm", "crm-edge", "http", "POST /records", "[{event: RecordWritten}]", ("scored",), 5 * MINUTE, event="RecordWritten", vendor="api.closely.example"),
        Stage("enrolled", "sequence", "rep-sequencer", "http", "POST /sequences/{id}/prospects", "[{event: ProspectEnrolled}]", ("written",), 5 * MINUTE, event="ProspectEnrolled", vendor="api.repseq.example"),
    ),
    "enrolled", 20 * MINUTE, "orchestrated", conductor="demo-saga",
)  # fmt: skip

SHAPES = (WEBINAR, TRIAL, REFERRAL, DOWNLOAD, CALL, DIGEST, BADGES, CHAT, INBOUND, GIVEAWAY, APP, SPARSE)

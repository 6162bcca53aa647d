"""What happens to leads: each plot tells one story and decides, before any noise, what is true of it and why."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from benchmarks.accuracy.shapes import CALL, DIGEST, SHAPES, Shape, Stage
from benchmarks.accuracy.symptoms import FAULT, POLICY, Symptom, symptoms
from benchmarks.accuracy.teller import Habits, Teller
from benchmarks.accuracy.told import Case, Said, Truth

GAP_FREE = 3600.0
HOURS = 3600.0


class NotHere(Exception):
    """The plot cannot be told in this flow; another is drawn."""


@dataclass
class Story:
    """A lead, its flow and what was told so far."""

    lead: str
    shape: Shape
    chance: random.Random
    teller: Teller

    @staticmethod
    def begun(
        number: int, shape: Shape, chance: random.Random, *, sparse: bool, entry: str = "", at: float = 0.0
    ) -> "Story":
        habits = Habits.drawn(shape, chance, sparse=sparse)
        entry = entry or f"{chance.getrandbits(96):024x}"
        return Story(f"P-{number:07d}", shape, chance, Teller(shape, f"P-{number:07d}", entry, habits, chance, now=at))

    # ── walking ─────────────────────────────────────────────────────────────────────────────────────────────────

    def walk(
        self,
        *,
        stop: str = "",
        skip: Iterable[str] = (),
        habit: str = "",
        habit_at: str = "",
        beyond: bool | None = None,
    ) -> None:
        """Tell every stage in order, but not `stop` and what waits for it, nor those skipped and told already.

        `beyond`: whether branches beside the stop are told too; drawn where the systems work on their own.
        """
        closed = self.waiting_for(stop) | {stop} if stop else set()
        seen_stop = False
        alone = self.shape.tracing in {"orchestrated", "chain"}
        if beyond is None:
            beyond = not alone or self.chance.random() < 0.3
        for stage in self.shape.stages:
            seen_stop |= stage.name == stop
            if (
                stage.name in closed
                or stage.name in set(skip)
                or stage.name in self.teller.ends
                or (seen_stop and not beyond)
            ):
                continue
            self.teller.done(stage.name, habit=habit if stage.name == habit_at else "")

    def waiting_for(self, name: str) -> set[str]:
        found: set[str] = set()
        for stage in self.shape.stages:
            if {name, *found} & set(stage.after):
                found.add(stage.name)
        return found

    def up_to(self, name: str, skip: Iterable[str] = ()) -> None:
        """Tell what comes before a stage, and what runs beside it."""
        self.walk(stop=name, skip=skip)

    # ── choosing ────────────────────────────────────────────────────────────────────────────────────────────────

    def stage(self, fits: Callable[[Stage], bool]) -> Stage:
        able = [stage for stage in self.shape.stages if fits(stage)]
        if not able:
            raise NotHere
        return self.chance.choice(able)

    def symptom(self, stage: Stage, fits: Callable[[Symptom], bool] = lambda _: True) -> Symptom:
        for _ in range(60):
            found = symptoms(stage.kind, self.chance, how=stage.how, wire=self.teller.habits.wire)
            if found.style == "green body" and not stage.vendor:
                continue
            if fits(found):
                return found
        raise NotHere

    # ── truth ───────────────────────────────────────────────────────────────────────────────────────────────────

    def truth(
        self, statuses: str | Sequence[str], causes: str | Sequence[str], step: str, why: str, **more: object
    ) -> Truth:
        one = (statuses,) if isinstance(statuses, str) else statuses
        many = (causes,) if isinstance(causes, str) and causes else tuple(causes)
        step = "" if self.shape.name == "demo-booking" else step
        return Truth(self.shape.name, frozenset(one), frozenset(many), step, why, **more)  # type: ignore[arg-type]

    def entered(self, why: str, **more: object) -> Truth:
        proof = self.teller.proofs[self.shape.goal]
        extra = tuple(more.pop("evidence", ()))  # type: ignore[call-overload]
        return self.truth("entered", "", "", why, evidence=(proof, *extra), **more)

    def stopped(self, stage: Stage, symptom: Symptom, proof: frozenset[str], why: str = "", **more: object) -> Truth:
        evidence = [proof]
        if "name:" in stage.match and stage.name in self.teller.heads:
            evidence.append(frozenset({self.teller.heads[stage.name].id}))
        evidence += more.pop("evidence", ())  # type: ignore[arg-type]
        causes = {symptom.cause}
        if symptom.style == "exception" and stage.how == "http":
            causes.add("delivery.http_error")  # the same span says HTTP 500 as well: either is the documented row
        return self.truth(
            symptom.status, sorted(causes), stage.name, why or symptom.why, evidence=tuple(evidence), **more
        )

    def absent(self, stage: Stage, why: str, **more: object) -> Truth:
        """Silence. Whatever was heard last on each branch is what shows where it fell silent."""
        told = self.teller.proofs
        last = [proof for name, proof in told.items() if not self.waiting_for(name) & set(told)]
        before = [told[name] for name in stage.after if name in told]
        also = tuple(more.pop("evidence", ()))  # type: ignore[call-overload]
        return self.truth(
            FAULT, "observability.expected_but_absent", stage.name, why, evidence=(*last, *before, *also), **more
        )

    def worked(self, stage: Stage) -> list[frozenset[str]]:
        """The call that went well in the end. Nothing else shows that what failed before it does not matter."""
        return [self.teller.oks[stage.name]] if stage.name in self.teller.oks else []

    @property
    def end(self) -> float:
        return max(one.at + one.took for one in self.teller.said)

    def case(self, plot: str, style: str, *truths: Truth, now: float = 0.0) -> Case:
        told = self.teller.said
        _cover(told)
        now = now or max(self.end, self.shape.deadline_s) + self.shape.deadline_s + 6 * HOURS
        return Case(self.lead, self.shape.name, style, plot, told, truths, now)


def _cover(told: Sequence[Said]) -> None:
    """A parent lasts as long as the calls that it waits for."""
    by_id = {(one.trace, one.id): one for one in told}
    for one in sorted(told, key=lambda said: -said.at):
        parent = by_id.get((one.trace, one.parent))
        if parent is not None and one.kind != "consumer" and parent.kind != "producer":
            parent.took = max(parent.took, one.at + one.took - parent.at + 0.001)


def _vendor(stage: Stage) -> bool:
    return bool(stage.vendor)


def _later(stage: Stage) -> bool:
    return stage.kind != "capture"


def _needed(stage: Stage) -> bool:
    """A step that stops the lead when it fails."""
    return stage.required and stage.kind != "capture"


# ── healthy ─────────────────────────────────────────────────────────────────────────────────────────────────────


def plain(story: Story) -> Case:
    story.walk()
    return story.case("healthy", "healthy", story.entered("every step was done"))


def with_habit(habit: str, needs_vendor: bool, why: str) -> Callable[[Story], Case]:
    def told(story: Story) -> Case:
        stage = story.stage(lambda s: s.how != "event" and (bool(s.vendor) or not needs_vendor))
        story.walk(habit=habit, habit_at=stage.name)
        worked = (
            [story.teller.oks[stage.name]] if stage.name == story.shape.goal and stage.name in story.teller.oks else []
        )
        return story.case(f"healthy, {habit}", "healthy", story.entered(f"{why}, at {stage.name}", evidence=worked))

    return told


def retried(story: Story) -> Case:
    stage = story.stage(lambda s: _later(s) and (bool(s.vendor) or s.how == "queue"))
    story.up_to(stage.name)
    tries = [story.symptom(stage, lambda s: s.transient) for _ in range(story.chance.randint(1, 3))]
    story.teller.done(stage.name, before=tries)
    story.walk()
    worked = story.worked(stage) if stage.name == story.shape.goal else []
    return story.case(
        "healthy, retried", "healthy", story.entered(f"{stage.name} failed and its retry worked", evidence=worked)
    )


def optional_failed(story: Story) -> Case:
    stage = story.stage(lambda s: not s.required)
    story.up_to(stage.name)
    wrong = story.symptom(stage)
    story.teller.fails(stage.name, [wrong])
    story.walk()
    return story.case(
        "healthy, optional failed", wrong.style, story.entered(f"{stage.name} is optional and failed: {wrong.why}")
    )


def late(story: Story) -> Case:
    goal = story.shape.by_name[story.shape.goal]
    story.up_to(goal.name)
    story.teller.now += story.shape.deadline_s * story.chance.uniform(1.2, 3)
    for name in goal.after:
        story.teller.ends[name] = story.teller.now
    story.teller.done(goal.name)
    return story.case("late but entered", "healthy", story.entered("the goal was reached after its deadline"))


def gap(story: Story) -> Case:
    stage = story.stage(lambda s: _later(s) and s.name != story.shape.goal and not s.gate)
    if story.shape.tracing in {"linked", "carried"} and stage.kind == "crm":
        raise NotHere
    story.walk(skip=[stage.name])
    return story.case(
        "gap but entered", "absence", story.entered(f"{stage.name} left no hop, but the goal was reached")
    )


def trouble_after(story: Story) -> Case:
    story.walk()
    proof = story.teller.now
    story.teller.now += (wait := story.chance.uniform(700, 5000))
    goal = story.shape.by_name[story.shape.goal]
    way = story.chance.choice(["Unsubscribed", "ConsentWithdrawn", "bounced", "replied", "merged"])
    if way in {"Unsubscribed", "ConsentWithdrawn"}:
        story.teller.event("preference-center", way)
    elif way == "merged":
        story.teller.event("mdm", "IdentityMerged", {"lead.merged_into": "P-other"})
    else:
        said = {"lead.reason": f"exit.{way}", "lead.outcome": story.chance.choice(["failed", "skipped"])}
        story.teller.event(goal.service, "ExitedProgram", said)
    why = f"it had entered {wait:.0f} s before {way}"
    return story.case("healthy, trouble after", "words", story.entered(why, by_clock_s=story.teller.now - proof))


def regraded(story: Story) -> Case:
    stage = story.stage(lambda s: bool(s.gate))
    story.up_to(stage.name)
    story.teller.done(stage.name, value=story.chance.choice(stage.fails))
    story.teller.wait(60, 200)
    del story.teller.ends[stage.name]
    story.teller.done(stage.name, value=story.chance.choice(stage.passes))
    story.walk()
    return story.case(
        "healthy, gate passed at the second look", "gate", story.entered("the later value passed the gate")
    )


def granted_again(story: Story) -> Case:
    if story.shape.deadline_s < 2 * HOURS:
        raise NotHere
    stage = story.stage(lambda s: s.kind == "crm")
    story.up_to(stage.name)
    story.teller.event("preference-center", "ConsentWithdrawn")
    story.teller.wait(200, 900)
    story.teller.event("preference-center", "ConsentGranted")
    for name in stage.after:
        story.teller.ends[name] = story.teller.now
    story.walk()
    return story.case("healthy, consent taken back and given again", "words", story.entered("consent was given again"))


def delivered_twice(story: Story) -> Case:
    story.walk()
    goal = story.shape.by_name[story.shape.goal]
    if goal.how == "event":
        story.teller.wait(5, 60)
        story.teller.event(
            goal.service, goal.fail_event, {"lead.reason": "reentry.already_active", "lead.outcome": "skipped"}
        )
        truth = story.entered("it is in already: the second message was turned away")
    else:
        # In a chain the second message is told below the first handling: that one's own call shows that it went well.
        worked = story.worked(goal) if story.shape.tracing == "chain" else []
        truth = story.entered("it is in already: the second message was turned away", evidence=worked)
        twice = Symptom(
            "",
            "",
            "",
            place="own",
            attributes={"lead.reason": "reentry.already_active", "lead.outcome": "skipped"},
            error=False,
        )
        if story.chance.random() < 0.5 and goal.vendor:
            twice = Symptom(
                "",
                "",
                "",
                place="call",
                http=0 if story.teller.habits.wire == "grpc" else 409,
                grpc=6 if story.teller.habits.wire == "grpc" else 0,
            )
        ends = dict(story.teller.ends)
        story.teller.wait(5, 60)
        for name in goal.after:
            story.teller.ends[name] = story.teller.now
        story.teller.fails(goal.name, [twice])
        story.teller.ends = ends
    return story.case("healthy, delivered twice", "words", truth)


def hedged(story: Story) -> Case:
    stage = story.stage(_vendor)
    story.walk()
    head = story.teller.heads[stage.name]
    lost = story.teller.span(
        head.service,
        "POST",
        "client",
        head,
        head.took + 2.0,
        at=head.at + 0.001,
        attributes={"server.address": stage.vendor, "error.type": "context canceled"},
    )
    lost.status, lost.message = "error", "context canceled"
    return story.case(
        "healthy, hedged request", "network error", story.entered("the twin of the slow request answered")
    )


def redriven(story: Story) -> Case:
    stage = story.stage(lambda s: _later(s) and s.how == "queue")
    story.up_to(stage.name)
    wrong = story.symptom(stage, lambda s: s.transient)
    story.teller.fails(stage.name, [wrong] * 3)
    _dead_letter(story, stage)
    story.teller.now += 2 * HOURS
    for name in stage.after:
        story.teller.ends[name] = story.teller.now
    story.teller.done(stage.name)
    story.walk()
    return story.case(
        "dead-lettered, then redriven", wrong.style, story.entered("the dead letter was sent again and worked")
    )


# ── stops ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _tries(story: Story, wrong: Symptom) -> list[Symptom]:
    return [wrong] * (story.chance.randint(1, 4) if wrong.transient else 1)


def stop(story: Story) -> Case:
    """One failure, alone; the stack's own habit with errors: passed up, or swallowed by a green span of the step."""
    stage = story.stage(lambda s: s.required)
    story.up_to(stage.name)
    wrong = story.symptom(stage)
    return _stopped_at(story, stage, wrong, "stop")


def _stopped_at(story: Story, stage: Stage, wrong: Symptom, plot: str) -> Case:
    swallowed = wrong.place == "call" and bool(stage.vendor) and story.chance.random() < 0.25
    told = story.teller.fails(stage.name, _tries(story, wrong), swallowed=swallowed)
    if swallowed:
        plot += ", swallowed by a green span"
    elif (
        story.shape.tracing in {"chain", "orchestrated"}
        and wrong.error
        and stage.kind != "capture"
        and story.chance.random() < 0.5
    ):
        _pass_up(story, stage)
        plot += ", passed up"
    return story.case(plot, wrong.style, story.stopped(stage, wrong, told.proof))


def _pass_up(story: Story, stage: Stage) -> None:
    """The callers fail because the called failed: 500 all the way to the first span."""
    by_id = {one.id: one for one in story.teller.said}
    at = by_id.get(story.teller.heads[stage.name].parent)
    while at is not None:
        at.status = "error"
        if at.kind in {"server", "client"}:
            at.attributes |= story.teller.status(500)
        at = by_id.get(at.parent)


def stop_with_noise(story: Story) -> Case:
    """A failure, and beside it things that fail on every healthy lead too."""
    stage = story.stage(lambda s: _needed(s) and s.how != "event")
    other = story.stage(
        lambda s: s.how != "event" and s.name != stage.name and s.name not in story.waiting_for(stage.name)
    )
    habit = story.chance.choice(
        ["lookup 404", "token", "upsert 409"] if other.vendor else ["caught", "cache", "metrics", "audit"]
    )
    story.walk(stop=stage.name, habit=habit, habit_at=other.name)
    wrong = story.symptom(stage)
    told = story.teller.fails(stage.name, _tries(story, wrong))
    return story.case(f"stop, {habit} elsewhere", wrong.style, story.stopped(stage, wrong, told.proof))


def stop_after_lookup(story: Story) -> Case:
    """The failing step looked the person up first and found none, as it always does."""
    stage = story.stage(lambda s: _needed(s) and bool(s.vendor) and s.how != "event")
    story.up_to(stage.name)
    wrong = story.symptom(stage)
    told = story.teller.fails(stage.name, _tries(story, wrong), habit="lookup 404")
    return story.case("stop, lookup 404 before it", wrong.style, story.stopped(stage, wrong, told.proof))


def retries_of_two_kinds(story: Story) -> Case:
    """Two transient failures, then a last one of another kind: the last one is the cause."""
    stage = story.stage(lambda s: _needed(s) and (bool(s.vendor) or s.how == "queue"))
    story.up_to(stage.name)
    first = story.symptom(stage, lambda s: s.transient)
    last = story.symptom(stage, lambda s: s.status == FAULT and s.cause != first.cause and s.style != "exception")
    told = story.teller.fails(stage.name, [first, first, last])
    why = f"retries met {first.cause}, but the last failure was {last.why}"
    return story.case("retries of two kinds", last.style, story.stopped(stage, last, told.proof, why))


def _dead_letter(story: Story, stage: Stage) -> None:
    story.teller.wait(1, 5)
    way = story.chance.choice(["event", "span", "reason"])
    if way == "event":
        story.teller.event(stage.service, "DeadLettered")
    elif way == "reason":
        said = {"lead.outcome": "dead_lettered", "lead.reason": "delivery.retries_exhausted"}
        story.teller.event(stage.service, "DeadLettered", said)
    else:
        head = story.teller.cursor
        said = {
            "lead.event": "DeadLettered",
            "messaging.system": "kafka",
            "messaging.destination.name": f"{stage.op}.dlq",
        }
        story.teller.span(stage.service, f"send {stage.op}.dlq", "producer", head, 0.003, attributes=said)


def dead_letter(story: Story) -> Case:
    stage = story.stage(lambda s: _needed(s) and s.how in {"queue", "http"})
    story.up_to(stage.name)
    wrong = story.symptom(stage, lambda s: s.transient)
    told = story.teller.fails(stage.name, [wrong] * story.chance.randint(2, 4))
    _dead_letter(story, stage)
    return story.case(
        "dead letter",
        wrong.style,
        story.stopped(stage, wrong, told.proof, f"the retries ran out; the last reason: {wrong.why}"),
    )


def absent(story: Story) -> Case:
    stage = story.stage(lambda s: _later(s) and s.required)
    story.up_to(stage.name)
    return story.case(
        "absent", "absence", story.absent(stage, f"{stage.name} never happened, nothing failed before it")
    )


def absent_after_repair(story: Story) -> Case:
    """A failure that its retry repaired, or habit noise, then silence at the next step."""
    stage = story.stage(
        lambda s: _later(s) and s.required and any(bool(story.shape.by_name[a].vendor) for a in s.after)
    )
    before = next(story.shape.by_name[a] for a in stage.after if story.shape.by_name[a].vendor)
    story.walk(stop=before.name, skip=story.waiting_for(before.name), beyond=True)
    if story.chance.random() < 0.5:
        story.teller.done(before.name, before=[story.symptom(before, lambda s: s.transient)])
        how = "a retry repaired it"
    else:
        how = story.chance.choice(["lookup 404", "token", "upsert 409"])
        if before.how == "event":
            raise NotHere
        story.teller.done(before.name, habit=how)
    story.walk(stop=stage.name)
    return story.case(
        "absent after repaired failure",
        "absence",
        story.absent(
            stage,
            f"{before.name} was done in the end ({how}); {stage.name} never happened",
            evidence=story.worked(before),
        ),
    )


def absent_after_optional(story: Story) -> Case:
    """An optional step failed and then a needed one never happened: the silence is the cause."""
    optional = story.stage(lambda s: not s.required)
    stage = story.stage(lambda s: s.required and _later(s) and s.name != optional.name and s.name not in optional.after)
    if story.shape.order(stage.name) < story.shape.order(optional.name):
        raise NotHere
    story.up_to(optional.name, skip=story.waiting_for(optional.name))
    wrong = story.symptom(optional)
    story.teller.fails(optional.name, [wrong])
    story.walk(stop=stage.name)
    if any(name not in story.teller.ends for name in stage.after):
        raise NotHere
    truth = story.absent(
        stage, f"{optional.name} may fail; {stage.name} never happened", contributing=((wrong.cause, optional.name),)
    )
    return story.case("absent after optional failure", wrong.style, truth)


def gate(story: Story) -> Case:
    stage = story.stage(lambda s: bool(s.gate))
    story.up_to(stage.name)
    value = story.chance.choice(stage.fails)
    told = story.teller.done(stage.name, value=value)
    truth = story.truth(
        POLICY,
        "eligible.criteria_not_met",
        stage.name,
        f"{stage.gate_attribute} is {value}: {stage.gate}",
        evidence=(told.proof,),
    )
    return story.case("gate", "gate", truth)


def gate_after_failure(story: Story) -> Case:
    """The score is low because the lookup failed."""
    stage = story.stage(lambda s: bool(s.gate))
    cause = story.stage(lambda s: s.kind in {"enrich", "identity"} and s.name in stage.after)
    story.up_to(cause.name, skip=story.waiting_for(cause.name))
    wrong = story.symptom(cause, lambda s: s.status == FAULT)
    failed = story.teller.fails(cause.name, [wrong])
    story.up_to(stage.name)
    value = story.chance.choice(stage.fails)
    told = story.teller.done(stage.name, value=value)
    truth = story.truth(
        POLICY, "eligible.criteria_not_met", stage.name, f"{stage.gate_attribute} is {value}, without {cause.name} ({wrong.why})",
        contributing=((wrong.cause, cause.name),), evidence=(told.proof, failed.proof),
    )  # fmt: skip
    return story.case("gate, a failure contributed", wrong.style, truth)


def two_obstacles(story: Story) -> Case:
    """Consent refuses, the stack goes on regardless, and the CRM fails too: the first in the flow leads."""
    first = story.stage(lambda s: s.kind == "consent")
    second = story.stage(lambda s: s.kind in {"crm", "sequence"})
    refused = story.symptom(first, lambda s: s.status == POLICY)
    failed = story.symptom(second, lambda s: s.status == FAULT and s.style not in {"green body"})
    story.up_to(first.name, skip=story.waiting_for(first.name))
    one = story.teller.fails(first.name, [refused])
    story.walk(stop=second.name)
    other = story.teller.fails(second.name, [failed])
    truth = story.stopped(first, refused, one.proof, f"{first.name} refused ({refused.why}); later {second.name} failed too ({failed.why})",
                          contributing=((failed.cause, second.name),), evidence=(other.proof,))  # fmt: skip
    return story.case("two obstacles", f"{refused.style} + {failed.style}", truth)


def optional_then_stop(story: Story) -> Case:
    optional = story.stage(lambda s: not s.required)
    stage = story.stage(lambda s: s.required and s.name in story.waiting_for(optional.name))
    story.up_to(optional.name, skip=story.waiting_for(optional.name))
    wrong = story.symptom(optional, lambda s: s.status == FAULT)
    first = story.teller.fails(optional.name, [wrong])
    story.up_to(stage.name)
    if stage.gate:
        raise NotHere
    real = story.symptom(stage)
    told = story.teller.fails(stage.name, _tries(story, real))
    truth = story.stopped(
        stage,
        real,
        told.proof,
        f"{optional.name} may fail ({wrong.why}); {stage.name}: {real.why}",
        contributing=((wrong.cause, optional.name),),
        evidence=(first.proof,),
    )
    return story.case("optional failure, then a stop", f"{wrong.style} + {real.style}", truth)


def repaired_then_stop(story: Story) -> Case:
    one = story.stage(lambda s: _later(s) and bool(s.vendor) and s.name != story.shape.goal)
    other = story.stage(lambda s: s.required and s.name in story.waiting_for(one.name))
    story.up_to(one.name)
    mended = story.symptom(one, lambda s: s.transient)
    story.teller.done(one.name, before=[mended])
    story.up_to(other.name)
    real = story.symptom(other)
    told = story.teller.fails(other.name, _tries(story, real))
    return story.case(
        "repaired failure, then a stop",
        f"{mended.style} + {real.style}",
        story.stopped(other, real, told.proof, f"{one.name} was repaired; {other.name}: {real.why}"),
    )


def gap_then_stop(story: Story) -> Case:
    if story.shape.name == "demo-booking":
        raise NotHere  # nothing says which of two silent steps an unnamed system speaks for
    hole = story.stage(lambda s: _later(s) and s.name != story.shape.goal and not s.gate)
    stage = story.stage(lambda s: s.required and s.name in story.waiting_for(hole.name))
    story.walk(stop=stage.name, skip=[hole.name])
    real = story.symptom(stage)
    told = story.teller.fails(stage.name, _tries(story, real))
    return story.case(
        "gap, then a stop",
        real.style,
        story.stopped(stage, real, told.proof, f"{hole.name} left no hop but the lead went on; {real.why}"),
    )


def gap_then_absent(story: Story) -> Case:
    hole = story.stage(lambda s: _later(s) and s.name != story.shape.goal and not s.gate)
    stage = story.stage(lambda s: s.required and s.name in story.waiting_for(hole.name) and hole.name not in s.after)
    story.walk(stop=stage.name, skip=[hole.name])
    if any(name not in story.teller.ends for name in stage.after):
        raise NotHere
    return story.case(
        "gap, then absent",
        "absence",
        story.absent(stage, f"{hole.name} left no hop but the lead went on; {stage.name} never came"),
    )


def withdrawn(story: Story) -> Case:
    """The person opts out on the way; the rest is not tried any more."""
    stage = story.stage(lambda s: _later(s) and s.required)
    story.up_to(stage.name)
    story.teller.wait(1, 60)
    made = story.teller.event("preference-center", story.chance.choice(["Unsubscribed", "ConsentWithdrawn"]))
    consent = story.shape.first("consent")
    truth = story.truth(
        POLICY,
        "consent.opted_out_all",
        consent.name if consent else "",
        f"it opted out before {stage.name}",
        evidence=(frozenset({made.id}),),
    )
    return story.case("withdrawn midway", "words", truth)


def merged(story: Story) -> Case:
    stage = story.stage(lambda s: _later(s) and s.required)
    story.up_to(stage.name)
    made = story.teller.event("mdm", "IdentityMerged", {"lead.merged_into": "P-survivor"})
    return story.case(
        "merged",
        "words",
        story.truth(POLICY, "identity.merged_away", "", "it was merged into another", evidence=(frozenset({made.id}),)),
    )


def answered_only(story: Story) -> Case:
    """The vendor call is not instrumented; the step's server answered 4xx and, as semconv says, has no error status."""
    stage = story.stage(lambda s: _needed(s) and s.how == "http")
    if story.teller.habits.wire == "grpc":
        raise NotHere
    story.up_to(stage.name)
    wrong = story.symptom(stage, lambda s: s.style == "http status" and 400 <= s.http < 500)
    told = story.teller.fails(stage.name, [replace(wrong, place="own")])
    head = story.teller.heads[stage.name]
    head.status, head.message = "unset", ""
    head.attributes.pop("error.type", None)
    caller = next((one for one in story.teller.said if one.id == head.parent), None)
    if caller is not None and caller.kind == "client":
        caller.attributes |= story.teller.status(wrong.http)
        caller.status = "error"
    return story.case("stop, the step's server answered 4xx", wrong.style, story.stopped(stage, wrong, told.proof))


# ── waiting ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _due(story: Story, stage: Stage) -> float:
    ready = max((story.teller.ends[name] for name in stage.after if name in story.teller.ends), default=0.0)
    return min(ready + (stage.within_s or story.shape.deadline_s), story.shape.deadline_s)


def waiting(story: Story) -> Case:
    stage = story.stage(lambda s: _later(s) and s.required)
    story.up_to(stage.name)
    due = min((_due(story, s) for s in story.shape.stages if s.name not in story.teller.ends), default=0.0)
    begun = story.end if story.shape.tracing != "orchestrated" else max(story.teller.ends.values())
    if due - begun < 20:
        raise NotHere
    now = begun + (due - begun) * story.chance.uniform(0.05, 0.6)
    truth = story.truth(
        "pending", "", "", f"{stage.name} has time until {due:.0f} s, it is {now:.0f} s", by_clock_s=due - now
    )
    return story.case("pending, waiting", "absence", truth, now=now)


def retrying(story: Story) -> Case:
    stage = story.stage(lambda s: _later(s) and s.required and s.how != "batch")
    story.up_to(stage.name)
    if story.chance.random() < 0.5 or stage.how == "event":
        reason = story.chance.choice(["delivery.timeout", "delivery.http_error"])
        wrong = Symptom(
            reason,
            FAULT,
            "words: retrying",
            True,
            attributes={"lead.reason": reason, "lead.outcome": "retrying"},
            error=stage.how != "event",
        )
    else:
        wrong = story.symptom(stage, lambda s: s.transient)
    told = story.teller.fails(stage.name, [wrong])
    due = min(
        (_due(story, s) for s in story.shape.stages if s.name not in story.teller.proofs or s.name == stage.name),
        default=0.0,
    )
    now = told.at + 0.5
    if due - now < 5:
        raise NotHere
    truth = story.truth(
        "pending",
        "",
        stage.name,
        f"{stage.name} failed ({wrong.why}) and may be tried again until {due:.0f} s",
        by_clock_s=due - now,
    )
    return story.case("pending, retrying", wrong.style, truth, now=now)


def at_once(story: Story) -> Case:
    """A final answer needs no deadline: it stops the moment it is said."""
    stage = story.stage(lambda s: s.required)
    story.up_to(stage.name)
    wrong = story.symptom(stage, lambda s: not s.transient)
    told = story.teller.fails(stage.name, [wrong])
    truth = story.stopped(stage, wrong, told.proof)
    return story.case("final at once", wrong.style, truth, now=story.end + 0.5)


PENDINGS = {
    "consent": ("consent.double_optin_pending",),
    "route": ("route.on_hold",),
    "sequence": ("pending.window", "pending.throttle", "pending.processing", "sender.mailbox_limit"),
}


def _held(story: Story) -> tuple[Stage, str, frozenset[str], float]:
    stage = story.stage(lambda s: s.kind in PENDINGS)
    story.up_to(stage.name)
    cause = story.chance.choice(PENDINGS[stage.kind])
    wrong = Symptom(cause, "pending", "words: waiting", attributes={"lead.reason": cause}, error=False)
    told = story.teller.fails(stage.name, [wrong])
    return stage, cause, told.proof, told.at


def held(story: Story) -> Case:
    stage, cause, proof, at = _held(story)
    due = min(_due(story, s) for s in story.shape.stages if s.name not in story.teller.proofs or s.name == stage.name)
    if due - at < 5:
        raise NotHere
    truth = story.truth(
        "pending",
        cause,
        stage.name,
        f"it waits by design ({cause}), until {due:.0f} s",
        evidence=(proof,),
        by_clock_s=due - at,
    )
    return story.case("pending, held by design", "words: waiting", truth, now=at + 1)


def held_too_long(story: Story) -> Case:
    stage, cause, proof, _ = _held(story)
    return story.case(
        "held by design, too long",
        "words: waiting",
        story.truth((FAULT, POLICY), cause, stage.name, f"it still waits for what {cause} means", evidence=(proof,)),
    )


# ── more than one verdict ───────────────────────────────────────────────────────────────────────────────────────


def twice(number: int, shape: Shape, chance: random.Random) -> Case:
    """The first try stopped; days later the form is filled again and it works."""
    first = Story.begun(number, shape, chance, sparse=False)
    stage = first.stage(lambda s: _later(s) and s.required)
    first.up_to(stage.name)
    wrong = first.symptom(stage)
    told = first.teller.fails(stage.name, _tries(first, wrong))
    one = replace(first.stopped(stage, wrong, told.proof), entry=first.teller.entry)
    second = Story.begun(number, shape, chance, sparse=False, at=first.end + shape.deadline_s + 86400)
    second.walk()
    other = replace(second.entered("the second try went well"), entry=second.teller.entry)
    second.teller.said = first.teller.said + second.teller.said
    return second.case("two entries", wrong.style, one, other)


def two_flows(number: int, chance: random.Random) -> Case:
    """One capture, two goals, no `lead.flow`: each flow has a truth of its own."""
    call = Story.begun(number, CALL, chance, sparse=True)
    digest = Story.begun(number, DIGEST, chance, sparse=True, entry=call.teller.entry)
    digest.teller.habits = call.teller.habits
    truths = [_ending(call)]
    capture = call.teller.heads["visit"]
    digest.teller.heads["visit"], digest.teller.cursor, digest.teller.trace = capture, capture, capture.trace
    digest.teller.ends["visit"], digest.teller.proofs["visit"] = call.teller.ends["visit"], call.teller.proofs["visit"]
    truths.append(_ending(digest))
    call.teller.said += digest.teller.said
    return replace(call.case("two flows", "mixed", *truths), now=8 * HOURS + call.end)


def _ending(story: Story) -> Truth:
    fate = story.chance.random()
    if fate < 0.5:
        story.walk()
        return story.entered("every step was done")
    stage = story.stage(_later)
    story.up_to(stage.name)
    if fate < 0.7:
        return story.absent(stage, f"{stage.name} never came")
    wrong = story.symptom(stage)
    told = story.teller.fails(stage.name, _tries(story, wrong))
    return story.stopped(stage, wrong, told.proof)


HEALTHY: tuple[tuple[Callable[[Story], Case], float], ...] = (
    (plain, 40),
    (retried, 6),
    (with_habit("lookup 404", True, "the person was looked up and not there yet"), 5),
    (with_habit("token", True, "401, then a new token, then done"), 4),
    (with_habit("upsert 409", True, "409 on create, then updated"), 3),
    (with_habit("audit", False, "only an audit call failed"), 4),
    (with_habit("metrics", False, "only a metrics call failed"), 3),
    (with_habit("caught", False, "an exception was caught and handled"), 3),
    (with_habit("cache", False, "the cache was away"), 3),
    (optional_failed, 6),
    (late, 4),
    (gap, 4),
    (trouble_after, 4),
    (regraded, 3),
    (granted_again, 2),
    (delivered_twice, 4),
    (hedged, 2),
    (redriven, 3),
)
TROUBLED: tuple[tuple[Callable[[Story], Case], float], ...] = (
    (stop, 40),
    (stop_with_noise, 6),
    (stop_after_lookup, 4),
    (retries_of_two_kinds, 6),
    (dead_letter, 6),
    (absent, 8),
    (absent_after_repair, 5),
    (absent_after_optional, 4),
    (gate, 6),
    (gate_after_failure, 4),
    (two_obstacles, 5),
    (optional_then_stop, 5),
    (repaired_then_stop, 6),
    (gap_then_stop, 4),
    (gap_then_absent, 3),
    (withdrawn, 5),
    (merged, 3),
    (answered_only, 3),
    (waiting, 6),
    (retrying, 5),
    (at_once, 5),
    (held, 3),
    (held_too_long, 2),
)


def lead(number: int, seed: int, *, healthy: float = 0.75) -> Case:
    """The lead of this number; the same arguments give the same case."""
    chance = random.Random(f"{seed}/{number}")
    while True:
        shape = chance.choice(SHAPES)
        plots = HEALTHY if chance.random() < healthy else TROUBLED
        try:
            if chance.random() < 0.02:
                return twice(number, shape, chance)
            if chance.random() < 0.03:
                return two_flows(number, chance)
            plot = chance.choices([p for p, _ in plots], [w for _, w in plots])[0]
            return plot(Story.begun(number, shape, chance, sparse=True))
        except NotHere:
            continue

"""What a person would say of messages, tasks and calls between systems: Kafka, SQS, Celery, Temporal, gRPC."""

# fmt: off

import pytest
from stories_of_stacks import (
    ABSENT,
    LEADS,
    ON_A_BUS,
    PROSPECTS,
    Said,
    Stories,
    ask,
    before_crm,
    check,
    enrolled,
    published,
)
from telling_spans import client, log, message, rpc, server, span

tells = Stories()


@tells("blocked", ABSENT, "salesforce", words="lead.graded")
def a_message_that_was_published_and_never_consumed():
    grade, sent = published()
    return [*before_crm()[:-1], grade, sent]


@tells("blocked", ABSENT, "salesforce", words="lead.graded")
def a_message_that_was_received_and_never_processed():
    grade, sent = published()
    polled = message("sfdc-sync", "receive", "lead.graded", at=5, links=[sent])
    return [*before_crm()[:-1], grade, sent, polled]


@tells("entered")
def a_message_that_is_redelivered_and_works_in_the_end():
    grade, sent = published()
    tries = [
        message(
            "sfdc-sync",
            "process",
            "lead.graded",
            at=at,
            took=3,
            links=[sent],
            status="error" if bad else "unset",
            exceptions=[("requests.exceptions.ReadTimeout", "HTTPSConnectionPool: Read timed out.")] if bad else (),
        )
        for at, bad in ((5, True), (40, True), (80, False))
    ]
    return [*before_crm()[:-1], grade, sent, *tries, *enrolled(90)]


@tells("blocked", "delivery.timeout", "salesforce", words="did not answer in time")
def a_message_that_goes_to_the_dead_letter_topic_by_a_handler_that_calls_itself_green():
    grade, sent = published()
    outer = message("sfdc-sync", "process", "lead.graded", at=5, took=3, links=[sent], exceptions=[("requests.exceptions.ReadTimeout", "HTTPSConnectionPool: Read timed out.")])
    return [*before_crm()[:-1], grade, sent, outer, message("sfdc-sync", "send", "lead.graded.DLT", at=7.9, parent=outer)]


@tells("blocked", "delivery.timeout", "salesforce", after_s=60)
def a_dead_letter_is_said_at_once_and_who_archives_it_repairs_nothing():
    grade, sent = published()
    outer = message(
        "sfdc-sync", "process", "lead.graded", system="aws_sqs", at=5, took=3, links=[sent], status="error", exceptions=[("botocore.exceptions.ReadTimeoutError", "Read timeout on endpoint URL")]
    )
    aside = message("sfdc-sync", "process", "lead-graded-dlq", system="aws_sqs", at=20, links=[sent])
    return [*before_crm()[:-1], grade, sent, outer, aside]


@tells("blocked", "delivery.http_error", "salesforce", after_s=1200)
def a_green_poll_does_not_make_up_for_a_failed_handling():
    grade, sent = published()
    poll = message("sfdc-sync", "receive", "lead.graded", at=4, took=0.01)
    outer = message("sfdc-sync", "process", "lead.graded", at=5, took=3, links=[sent], status="error")
    call = client("sfdc-sync", f"POST {LEADS}", 503, at=5.1, parent=outer)
    again = message("sfdc-sync", "receive", "lead.graded", at=15, took=0.01)
    return [*before_crm()[:-1], grade, sent, poll, outer, call, again]


@tells("pending", "pending.processing", "salesforce", after_s=40)
def a_celery_task_that_asked_for_another_try():
    grade, sent = published()
    task = span(
        "sfdc-sync",
        "run/tasks.push_lead",
        "consumer",
        at=5,
        links=[sent],
        attributes={"celery.action": "run", "celery.state": "RETRY", "celery.task_name": "tasks.push_lead", "celery.retry.reason": "ConnectTimeout('timed out')"},
    )
    return [*before_crm()[:-1], grade, sent, task]


@tells("blocked", "delivery.timeout", "salesforce")
def a_celery_task_that_asked_for_another_try_which_never_came():
    return a_celery_task_that_asked_for_another_try()


@tells("entered")
def a_temporal_activity_that_failed_twice():
    flow = span("workflows", "RunWorkflow:InboundLead", at=0.2, took=60, attributes={"temporalWorkflowID": "inbound-7"})
    started = span("workflows", "StartActivity:PushToSalesforce", "client", at=4, took=0.1, parent=flow)
    tries = [
        span(
            "sfdc-sync",
            "RunActivity:PushToSalesforce",
            "server",
            at=at,
            parent=started,
            status="error" if bad else "unset",
            exceptions=[("temporalio.exceptions.ApplicationError", "UNABLE_TO_LOCK_ROW")] if bad else (),
        )
        for at, bad in ((4.1, True), (6.1, True), (10.1, False))
    ]
    return [*before_crm(), flow, started, *tries, *enrolled()]


@pytest.mark.parametrize("code", [14, "UNAVAILABLE"])
def test_grpc_says_the_same_by_number_and_by_name(code):
    outer = server("sfdc-sync", "POST /lead", 502, at=4, took=1)
    hops = [*before_crm(), outer, rpc("sfdc-sync", "crm.v1.Leads/Upsert", "client", code, at=4.1, parent=outer)]
    found = ask(hops, Said("blocked"))
    assert (found.status.value, found.cause, found.step) == ("blocked", "delivery.http_error", "salesforce")


@tells("blocked", "crm.permission", "salesforce", after_s=10)
def grpc_denies_and_is_final():
    outer = server("sfdc-sync", "POST /lead", 500, at=4, took=1)
    return [*before_crm(), outer, rpc("sfdc-sync", "crm.v1.Leads/Upsert", "client", "PERMISSION_DENIED", at=4.1, parent=outer)]


@tells("entered")
def grpc_cancels_a_watch_that_nobody_needs():
    outer = server("outreach-sync", "POST /enrol", at=30, took=2)
    watch = rpc("outreach-sync", "flags.v1.Flags/EventStream", "client", 1, at=30.1, parent=outer)
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), outer, watch]


@tells("blocked", "crm.validation_rule", "salesforce")
def a_call_whose_parent_was_sampled_out():
    hops = before_crm()
    lost = server("sfdc-sync", "POST /lead", 500, at=4)
    return [*hops, client("sfdc-sync", f"POST {LEADS}", 422, at=4.1, parent=lost)]


@tells("entered", flow=ON_A_BUS)
def events_in_order():
    return [log("web", "FormSubmitted", at=0), log("sync", "CrmWritten", at=5), log("drip", "SequenceEnrolled", at=9)]


@tells("blocked", "delivery.tls", "crm", flow=ON_A_BUS)
def a_worker_that_no_step_names_met_a_bad_certificate():
    worker = message("hubspot-worker", "process", "signups", at=3, took=2, status="error")
    call = client(
        "hubspot-worker",
        "POST https://api.hubapi.com/crm/v3/objects/contacts",
        0,
        at=3.1,
        parent=worker,
        message="unable to verify the first certificate",
        attributes={"error.type": "UNABLE_TO_VERIFY_LEAF_SIGNATURE"},
    )
    return [log("web", "FormSubmitted", at=0), worker, call]


@tells("blocked", ABSENT, "crm", flow=ON_A_BUS)
def a_worker_that_failed_and_then_worked_is_not_why_nothing_was_said():
    worker = message("hubspot-worker", "process", "signups", at=3, took=2, status="error", exceptions=[("TimeoutError", "")])
    return [log("web", "FormSubmitted", at=0), worker, message("hubspot-worker", "process", "signups", at=20)]


@tells("blocked", "delivery.http_error", "crm", flow=ON_A_BUS)
def an_exception_that_is_told_as_a_log_record():
    worker = message("hubspot-worker", "process", "signups", at=3, took=2, status="error")
    call = client("hubspot-worker", "POST https://api.hubapi.com/crm/v3/objects/contacts", 500, at=3.1, parent=worker)
    return [log("web", "FormSubmitted", at=0), worker, call, log("hubspot-worker", "exception", at=4.9, parent=worker, exception__type="ApiException", exception__message="(500)")]


@tells("pending", "pending.processing", "cadence", after_s=60)
def a_message_that_is_delivered_twice_fails_the_second_time_as_the_lead_is_there():
    first = message("sfdc-sync", "process", "lead.graded", at=5)
    write = client("sfdc-sync", f"POST {LEADS}", 201, at=5.01, took=0.05, parent=first)
    second = message("sfdc-sync", "process", "lead.graded", at=9, status="error")
    clash = client("sfdc-sync", f"POST {LEADS}", 409, at=9.01, took=0.05, parent=second)
    return [*before_crm(), first, write, second, clash]


@tells("blocked", ABSENT, "cadence")
def a_second_delivery_that_fails_is_not_why_the_next_step_never_came():
    first = message("sfdc-sync", "process", "lead.graded", at=5)
    write = client("sfdc-sync", f"POST {LEADS}", 201, at=5.01, took=0.05, parent=first)
    second = message("sfdc-sync", "process", "lead.graded", at=9, status="error")
    return [*before_crm(), first, write, second, client("sfdc-sync", f"POST {LEADS}", 503, at=9.01, took=0.05, parent=second)]


@tells("blocked", "delivery.timeout", "cadence")
def an_orchestrator_that_gave_up_on_a_slow_but_successful_write():
    root = span("lead-saga", "lead saga", at=0.1, took=12, status="error")
    gave_up = client("lead-saga", "POST https://sfdc-sync.internal/lead", 0, at=4, took=5, parent=root, attributes={"error.type": "java.net.http.HttpTimeoutException"})
    return [*before_crm(), root, gave_up, server("sfdc-sync", "POST /lead", 201, at=4.1, took=8, parent=gave_up)]


@tells("entered")
def a_batch_consumer_that_links_to_many_messages():
    grade, sent = published()
    batch = message("sfdc-sync", "process", "lead.graded", at=6, took=2, links=[sent, before_crm()[0]], attributes={"messaging.batch.message_count": "50"})
    return [*before_crm()[:-1], grade, sent, batch, *enrolled(40)]


@tells("entered")
def a_message_that_is_delivered_again_below_its_first_handling():
    first = message("outreach-sync", "process", "crm.written", at=30, took=40)
    enrol = client("outreach-sync", f"POST {PROSPECTS}", 201, at=30.1, parent=first)
    again = message("outreach-sync", "process", "crm.written", at=68, parent=enrol, status="error")
    return [*before_crm(), server("sfdc-sync", "POST /lead", at=4), first, enrol, again]


@pytest.mark.parametrize(("tell", "said"), tells.told)
def test_it_says_what_a_person_would_say(tell, said):
    check(tell, said)

"""Which attributes the rules read, so that the settle loop reads no others.

A test finds every name that the rules mention and wants it here; the URLs and the correlation id are always read.
"""

from collections.abc import Iterable

from model import attributes as names
from model.flow import Flow

ALWAYS_READ = frozenset({"url.full", "http.url", names.CORRELATION_ID})

BY_RULES = frozenset(
    {
        names.FLOW, names.STEP, names.CAMPAIGN, names.SEGMENT, names.SOURCE, names.EVENT, names.OUTCOME, names.REASON,
        names.SYSTEM, names.ATTEMPT, names.MERGED_INTO, names.STAGE,
        "celery.retry.reason", "celery.state",
        "db.system", "db.system.name",
        "error.type", "exception.escaped", "exception.message", "exception.type",
        "http.host", "http.method", "http.request.method", "http.request.resend_count", "http.response.status_code",
        "http.route", "http.status_code", "http.target",
        "http.response.body", "http.response.body.content", "http.response.body.text", "response.body",
        "http.response_body",
        "messaging.destination", "messaging.destination.name", "messaging.operation", "messaging.operation.type",
        "net.peer.name", "peer.service", "server.address", "url.path",
        "rpc.connect_rpc.error_code", "rpc.grpc.status_code", "rpc.response.status_code",
    }
)  # fmt: skip


def read_for(flows: Iterable[Flow]) -> frozenset[str]:
    """What the rules read where these are the flows: what they always read, and what matchers and gates name."""
    return BY_RULES.union(*(flow.attributes_read for flow in flows))


PATHS = frozenset({"url.path", "http.target"})


def paths_for(flows: Iterable[Flow]) -> frozenset[str]:
    """Paths of which the rules need no ids: no matcher or gate of these flows asks for them."""
    return PATHS.difference(*(flow.attributes_read for flow in flows))

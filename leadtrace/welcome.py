"""What the start prints: where to look, and what to paste into an application."""

from leadtrace.serve import Ready, Service, reachable
from leadtrace.tokens import Role


def welcome(service: Service, ready: Ready, token: str | None, role: Role = Role.READ) -> str:
    """A few lines for the person at the terminal, with a link that signs in as `role`."""
    lines = ["", "leadtrace is running."]
    if ready.web is not None:
        lines.append(f"  open        {_sign_in_link(service, ready, role)}")
    if ready.otlp_http is not None:
        lines.append(f"  OTLP/HTTP   http://{reachable(ready.otlp_http)}")
    if ready.otlp_grpc is not None:
        lines.append(f"  OTLP/gRPC   http://{reachable(ready.otlp_grpc)}")
    if ready.otlp_http is not None:
        lines += ["", "Point an OpenTelemetry SDK at it:"]
        lines.append(f"  export OTEL_EXPORTER_OTLP_ENDPOINT=http://{reachable(ready.otlp_http)}")
        lines.append("  export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf")
        if service.doorkeeper is not None:
            shown = token or "…"
            lines.append(f'  export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20{shown}"')
            if token is None:
                lines.append("  (a token: leadtrace token create --role ingest)")
    if not service.flows():
        lines += ["", "No flow file is in force, so no lead is judged: set LEADTRACE_FLOWS to a folder of them."]
    return "\n".join([*lines, ""])


def _sign_in_link(service: Service, ready: Ready, role: Role) -> str:
    base = service.settings.public_url or (f"http://{reachable(ready.web)}" if ready.web else "")
    return base + (service.doorkeeper.sign_in_path(role) if service.doorkeeper is not None else "/")

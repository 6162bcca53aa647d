// What a customer writes: the stock SDK, an OTLP exporter from the environment, nothing of leadtrace.
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";

const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ "service.name": "web-forms", "service.version": "3.2.1" }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
const tracer = provider.getTracer("forms");
const lead = { "lead.id": "L-js", "lead.correlation_id": "c-js" };

const capture = tracer.startSpan("POST /forms", {
  kind: SpanKind.SERVER,
  attributes: { ...lead, "lead.event": "FormSubmitted", "form.fields": 7, "form.share": 0.5, "form.valid": true },
});
capture.addEvent("validated", { rule: "naïve ✓" });
const within = trace.setSpan(ROOT_CONTEXT, capture);
const write = tracer.startSpan("POST /leads", { kind: SpanKind.CLIENT, attributes: lead }, within);
write.setStatus({ code: SpanStatusCode.ERROR, message: "HTTP 429" });
write.setAttribute("http.response.status_code", 429);
write.end();
capture.end();
await provider.forceFlush();
await provider.shutdown();

const ids = (span) => ({ trace_id: span.spanContext().traceId, span_id: span.spanContext().spanId });
console.log(JSON.stringify({ capture: ids(capture), write: ids(write) }));

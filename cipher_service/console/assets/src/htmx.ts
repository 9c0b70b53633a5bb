// Partial pages: htmx with its gate for nonces and Trusted Types, and its server-sent events.
// The page names them in <meta name="htmx-config" content='extensions:"hx-csp,sse"'>: the second one
// registers itself as "sse", and a list with another name silently disables it.
import "htmx.org/dist/htmx.esm.js";
import "htmx.org/dist/ext/hx-csp.js";
import "htmx.org/dist/ext/hx-sse.js";

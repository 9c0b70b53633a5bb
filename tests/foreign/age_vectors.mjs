// Prints the published vectors of C2SP/CCTV (npm cctv-age) as one JSON object: name to base64.
import * as vectors from "cctv-age";

const named = Object.entries(vectors).map(([name, bytes]) => [
  name,
  Buffer.from(bytes).toString("base64"),
]);
process.stdout.write(JSON.stringify(Object.fromEntries(named)));

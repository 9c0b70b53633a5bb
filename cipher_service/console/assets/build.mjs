// Builds what the console serves: src/*.ts and src/*.scss into the folder given (../static by
// default), each file named by its hash, and manifest.json: name -> file, sha384, bytes, gzip bytes.
// Beside each file that compresses lies file.gz, as which it travels.
//
// Every file directly in src/ is something a page loads by name; what they share stands in folders
// of src/ or begins with "_". The old output stays in place until the new one is whole.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, extname, join, parse, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { compileAsync } from "sass";
import subsetFont from "subset-font";

const home = dirname(fileURLToPath(import.meta.url));
const source = join(home, "src");
const output = resolve(process.argv[2] ?? join(home, "..", "static"));
const fresh = `${output}.new`;
const modules = join(home, "node_modules");

// Letters, cut down to those below: what lacks here (a rare name) is shown in the system's own.
const letters = {
  "plex-sans-400.woff2": "@fontsource/ibm-plex-sans/files/ibm-plex-sans-latin-400-normal.woff2",
  "plex-sans-600.woff2": "@fontsource/ibm-plex-sans/files/ibm-plex-sans-latin-600-normal.woff2",
  "plex-mono-400.woff2": "@fontsource/ibm-plex-mono/files/ibm-plex-mono-latin-400-normal.woff2",
};
const ascii = Array.from({ length: 95 }, (_, place) => String.fromCharCode(32 + place)).join("");
const shown =
  `${ascii}ÀÂÄÆÇÈÉÊËÎÏÔÖŒÙÛÜŸàâäæçèéêëîïôöœùûüÿÁÍÓÚÑÃÕáíóúñãõ` +
  "\u00a0\u202f«»‘’“”–—…·•°×§€→";

// Without hinting, a third less: it moves outlines to the dots of coarse screens, and browsers smooth them.
const lean = { targetFormat: "woff2", noLayoutClosure: true, noHinting: true };

// Files taken from packages as they are.
const copied = {
  "zxing-reader.wasm": "zxing-wasm/dist/reader/zxing_reader.wasm",
};

// A line may not end before a French sign (`cipher_service/typography.py`): sources have plain spaces,
// and English no such place.
const french = {
  name: "french",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replace(/"(?:[^"\\\n]|\\.)*"/g, (said) =>
        said.replace(/(?<=«) | (?=[:;?!»])/g, "\u00a0"),
      ),
      loader: "ts",
    }));
  },
};

const manifest = {};
const used = new Set(["govuk-frontend"]);

async function keep(name, bytes) {
  const { name: stem, ext } = parse(name);
  const mark = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  const file = `${stem}.${mark}${ext}`;
  const packed = gzipSync(bytes, { level: 9 });
  await writeFile(join(fresh, file), bytes);
  if (packed.length < bytes.length) await writeFile(join(fresh, `${file}.gz`), packed);
  manifest[name] = {
    file,
    integrity: `sha384-${createHash("sha384").update(bytes).digest("base64")}`,
    bytes: bytes.length,
    gzip: packed.length,
  };
}

async function scripts(names) {
  const made = await build({
    entryPoints: names.map((name) => join(source, name)),
    outdir: fresh,
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: ["chrome120", "firefox128", "safari17"],
    charset: "utf8",
    legalComments: "none", // their licences are in one file instead
    logLevel: "warning",
    metafile: true,
    plugins: [french],
    absWorkingDir: home,
  });
  Object.keys(made.metafile.inputs).forEach(use);
  for (const { path, text } of made.outputFiles) {
    // A decoder's fallback to somebody's server must not even stand there; ours is always named.
    // Nor the namespace of drawings that the encoder of symbols could make and nobody asks it for.
    const own = text.replace(/https:\/\/fastly\.jsdelivr\.net[^"'`$]*/g, "")
      .replaceAll("http://www.w3.org/2000/svg", "");
    await keep(parse(path).base, Buffer.from(own));
  }
}

function use(path) {
  const found = /^(?:node_modules\/)?((?:@[^/]+\/)?[^/]+)\//.exec(path);
  if (found && !path.startsWith("src/")) used.add(found[1]);
}

// Who wrote what we serve, and under which terms: a condition of those terms.
async function licences() {
  const texts = [];
  for (const name of [...used].sort()) {
    const folder = join(modules, name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json")));
    const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
    const text = file ? await readFile(join(folder, file), "utf8") : "";
    texts.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
  }
  await keep("licences.txt", Buffer.from(texts.join(`\n${"-".repeat(72)}\n\n`)));
}

// What an administrator holds against advisories: `cipher-service components`. No page is given it.
async function components() {
  const told = {};
  for (const name of [...used].sort()) {
    const { version } = JSON.parse(await readFile(join(modules, name, "package.json")));
    told[name] = version;
  }
  await writeFile(join(fresh, "components.json"), `${JSON.stringify(told, null, 2)}\n`);
}

async function style(name) {
  const { css } = await compileAsync(join(source, name), {
    style: "compressed",
    loadPaths: [modules],
    quietDeps: true,
  });
  // Letters are named in the source as plainly as they are in `letters`.
  const named = css.replace(/url\("?\.\/([a-z0-9.-]+)"?\)/g, (_, file) => {
    if (!(file in manifest)) throw new Error(`${name} names ${file}, which is not built`);
    return `url(${manifest[file].file})`;
  });
  await keep(`${parse(name).name}.css`, Buffer.from(named));
}

await rm(fresh, { recursive: true, force: true });
await mkdir(fresh, { recursive: true });
for (const [name, path] of Object.entries(letters)) {
  use(path);
  const whole = await readFile(join(modules, path));
  await keep(name, await subsetFont(whole, shown, lean));
}
for (const [name, path] of Object.entries(copied)) {
  use(path);
  await keep(name, await readFile(join(modules, path)));
}
const pages = (await readdir(source)).filter((name) => !name.startsWith("_")).sort();
await scripts(pages.filter((name) => extname(name) === ".ts"));
await Promise.all(pages.filter((name) => extname(name) === ".scss").map(style));
await licences();
await components();
const sorted = Object.fromEntries(Object.entries(manifest).sort());
await writeFile(join(fresh, "manifest.json"), `${JSON.stringify(sorted, null, 2)}\n`);
await rm(output, { recursive: true, force: true });
await rename(fresh, output);
